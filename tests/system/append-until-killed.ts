import { writeSync } from 'node:fs'
import { systemCodeOf } from '#lib/runtime/errors.ts'
import { createFileLayer } from '../../ingest/journal/files/file-layer.ts'
import { appended, messageOf, openSmall } from '../unit/ingest/journal/journal-fixture.ts'

/**
 * A process of its own: appends for ever and prints the position and number of every message that
 * was acknowledged. The test kills it.
 */
const [dir = '', first = '1'] = process.argv.slice(2)
const { journal } = await openSmall(createFileLayer(), dir, { segmentBytes: 32 * 1024 })
let number = Number(first)

await Promise.all(Array.from({ length: 20 }, appendForEver))

async function appendForEver(): Promise<never> {
  for (;;) {
    const own = number
    number += 1
    const payload = Buffer.from(`${own};${'x'.repeat((own * 31) % 1500)}`)
    const position = await appended(journal, messageOf(own, { payload }))
    tell(Buffer.from(`${position} ${own}\n`))
  }
}

/** At once, before anything else is acknowledged; while the reader lags it waits for it. */
function tell(line: Buffer): void {
  for (let done = 0; done < line.length;) {
    try {
      done += writeSync(1, line, done)
    } catch (error) {
      // With a thread beside it Node.js lets standard output not block.
      if (systemCodeOf(error) !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}
