import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { SessionFile } from '../../../../broker/sessions/session-file.ts'
import { createTestLog } from '../../../support/log-lines.ts'
import { temporaryDir } from '../../../support/platform.ts'
import { waitFor } from '../../../support/wait-for.ts'

it('many retained messages are written in several transactions, and all of them by the end', async () => {
  const dir = temporaryDir('session-file')
  const path = join(dir.path, 'broker.db')
  const file = new SessionFile(path, createTestLog([]))
  const reader = new DatabaseSync(path, { readOnly: true })
  const count = reader.prepare('SELECT count(*) AS n FROM retained')
  const rows = () => Number(count.get()?.['n'])
  const put = (from: number, to: number, bytes: number) => {
    for (let n = from; n < to; n += 1) {
      const payload = Buffer.alloc(bytes, 'r')
      file.putRetained(`acme/${n}`, { topic: `acme/${n}`, payload, qos: 0, device: '' })
    }
  }
  const steps: number[] = []
  const writtenUpTo = async (total: number) => {
    for (let before = rows(); before < total;) {
      await new Promise((resolve) => setImmediate(resolve))
      const now = rows()
      if (now > before) steps.push(now - before)
      before = now
    }
  }
  put(0, 1200, 1)
  await writtenUpTo(1200)
  expect(steps).toEqual([500, 500, 200])
  // By bytes as well: four of a quarter MiB.
  steps.length = 0
  put(1200, 1210, 256 * 1024)
  await writtenUpTo(1210)
  expect(steps).toEqual([4, 4, 2])
  // What waits when the broker closes is not lost.
  put(1210, 3000, 1)
  file.close()
  await waitFor(() => rows() === 3000)
  reader.close()
  dir.remove()
})
