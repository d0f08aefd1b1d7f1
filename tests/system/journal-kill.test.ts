import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createRandom } from '#lib/runtime/random.ts'
import { createFileLayer } from '../../ingest/journal/files/file-layer.ts'
import { temporaryDir } from '../support/platform.ts'
import { openSmall, readAll } from '../unit/ingest/journal/journal-fixture.ts'

const SEED = Number(process.env['SEED'] ?? Date.now() % 1e9)
const ROUNDS = 5
const SCRIPT = join(import.meta.dirname, 'append-until-killed.ts')

describe('journal on real files', () => {
  const dir = temporaryDir('journal-kill')
  afterAll(() => dir.remove())

  it(`keeps every acknowledged message through kill -9 (SEED=${SEED})`, async () => {
    const random = createRandom(SEED)
    const path = join(dir.path, 'journal')
    const acknowledged = new Map<number, number>()
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = acknowledged.size
      const lines = await runAndKill(path, (round + 1) * 1e6, random.integer(1, 800))
      for (const line of lines) {
        const [position = 0, number = 0] = line.split(' ').map(Number)
        expect(acknowledged.has(position), `position ${position} was used twice`).toBe(false)
        acknowledged.set(position, number)
      }
      expect(acknowledged.size).toBeGreaterThan(before)
      const { journal, report } = await openSmall(createFileLayer(), path)
      const read = readAll({ dir: path, id: journal.id }, journal.durable)
      await journal.close()
      expect(report.corruptions).toEqual([])
      expect(read.map(({ position }) => position)).toEqual(
        Array.from({ length: report.lastPosition }, (_, index) => index + 1),
      )
      const numbers = read.map(({ payload }) =>
        Number.parseInt(Buffer.from(payload).toString(), 10),
      )
      expect(new Set(numbers).size).toBe(numbers.length)
      for (const [position, number] of acknowledged) expect(numbers[position - 1]).toBe(number)
    }
  })
})

/** What the process had printed when it was killed, at the earliest after so many lines. */
function runAndKill(path: string, first: number, lines: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [SCRIPT, path, String(first)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let text = ''
    let errors = ''
    let seen = 0
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      seen += chunk.toString().split('\n').length - 1
      if (seen >= lines) child.kill('SIGKILL')
    })
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    child.once('close', (code) => {
      if (code === null) resolve(text.slice(0, text.lastIndexOf('\n')).split('\n'))
      else reject(new Error(`the process ended with ${code}: ${errors}`))
    })
  })
}
