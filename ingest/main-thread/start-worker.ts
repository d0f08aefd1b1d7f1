import { Worker } from 'node:worker_threads'
import { decodeError } from '#lib/runtime/encoding/error-codec.ts'
import { YOUNG_GENERATION_MIB } from '#lib/runtime/threads/process-flags.ts'
import type { WorkerOptions } from '../ingest-options.ts'
import type { FromWorker } from '../thread-messages.ts'

/** Resolves when the worker is ready; throws what it failed with. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const worker = new Worker(new URL('../worker-thread/worker.ts', import.meta.url), {
    workerData: options,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB.ingestWorker },
  })
  try {
    await untilReady(worker)
    return worker
  } catch (error) {
    await worker.terminate()
    throw error
  }
}

function untilReady(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: FromWorker) => {
      worker.off('message', onMessage)
      worker.off('error', reject)
      if (message.type === 'failed') reject(decodeError(message.error))
      else resolve()
    }
    worker.on('message', onMessage)
    worker.on('error', reject)
  })
}
