import { parentPort, workerData } from 'node:worker_threads'
import { encodeError } from '#lib/runtime/encoding/error-codec.ts'
import { lowerOwnPriority } from '#lib/runtime/threads/priority.ts'
import { NICENESS } from '#lib/runtime/threads/process-flags.ts'
import { createCaller, serveCalls } from '#lib/runtime/threads/rpc.ts'
import type { WorkerOptions } from '../ingest-options.ts'
import type { FromWorker, ToWorker } from '../thread-messages.ts'
import { IngestWorker } from './ingest-worker.ts'
import { openParts } from './open-parts.ts'
import { createQueries } from './queries.ts'

/**
 * The entry of the ingest thread: journal -> formats -> store, and the queries. Started by
 * `open-ingest.ts`; everything it knows comes in `workerData` and by messages.
 */
if (!parentPort) {
  throw new Error('ingest/worker-thread/worker.ts runs as a worker thread, started by the platform')
}
const port = parentPort
const post = (message: FromWorker) => port.postMessage(message)

try {
  // Given by `open-ingest.ts`.
  const options = workerData as WorkerOptions
  lowerOwnPriority(NICENESS.ingestWorker)
  const parts = await openParts(options)
  const main = createCaller(port)
  const worker = new IngestWorker(parts, options, { main, post })
  serveCalls(port, {
    ...createQueries({ ...parts, main, hours: worker.hours, silence: worker.silence }, options),
    ...worker.handlers(),
  })
  port.on('message', (message: ToWorker) => worker.receive(message))
  post({ type: 'ready' })
} catch (error) {
  post({ type: 'failed', error: encodeError(error) })
}
