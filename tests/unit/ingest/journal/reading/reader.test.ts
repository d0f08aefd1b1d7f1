import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { createRandom } from '#lib/runtime/random.ts'
import type { IncomingMessage } from '#lib/telemetry/message.ts'
import { createFileLayer } from '../../../../../ingest/journal/files/file-layer.ts'
import type { Cursor } from '../../../../../ingest/journal/journal.ts'
import { openReader } from '../../../../../ingest/journal/reading/reader.ts'
import { temporaryDir } from '../../../../support/platform.ts'
import {
  appended,
  captureLog,
  ERROR_LEVEL,
  messageOf,
  openSmall,
  readAll,
  recordOf,
} from '../journal-fixture.ts'

const SEED = Number(process.env['SEED'] ?? Date.now() % 1e9)

describe('journal reader', () => {
  const dir = temporaryDir('journal-reader')
  let count = 0
  afterAll(() => dir.remove())

  async function journalOf(messages: readonly IncomingMessage[], segmentBytes = 4096) {
    const path = join(dir.path, String((count += 1)))
    const { journal } = await openSmall(createFileLayer(), path, { segmentBytes })
    for (const message of messages.slice(0, -1)) {
      journal.append(message, () => undefined)
      if (message.payload.byteLength % 3 === 0) await turn()
    }
    const last = messages.at(-1)
    if (last) await appended(journal, last)
    return { path, journal }
  }

  it('gives back every field and byte', async () => {
    const most = 2n ** 63n - 1n
    const messages: IncomingMessage[] = [
      messageOf(1),
      messageOf(2, { payload: Buffer.alloc(0), topic: 't', qos: 0, retain: true }),
      messageOf(3, { device: 'acme.Ægir', topic: 'wmbusmeters/måler/水/🚚', qos: 2, dup: true }),
      messageOf(4, { topic: 'x'.repeat(65_535), will: true }),
      messageOf(5, {
        receivedAtNs: most,
        receivedMonoNs: most,
        origin: { position: 2 ** 52, elementIndex: -1 },
      }),
      messageOf(6, { origin: { position: 1, elementIndex: 2 ** 31 - 1 }, receivedAtNs: 0n }),
      messageOf(7, { payload: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)) }),
      messageOf(8, { device: 'ac.me', topic: 'e.t1' }),
      messageOf(9, { device: 'ac.m', topic: 'ee.t1' }),
    ]
    const { path, journal } = await journalOf(messages, 1024 * 1024)
    const read = readAll({ dir: path, id: journal.id }, journal.durable)
    expect(read.map((message) => recordOf(message, message.position))).toEqual(
      messages.map((message, index) => recordOf(message, index + 1)),
    )
    await journal.close()
  })

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17])(
    'keeps a payload of %i bytes and the topic before it',
    async (bytes) => {
      const messages = Array.from({ length: 9 }, (_, length) =>
        messageOf(length + 1, {
          topic: 't'.repeat(length + 1),
          payload: Buffer.alloc(bytes, 0xff),
        }),
      )
      const { path, journal } = await journalOf(messages)
      const read = readAll({ dir: path, id: journal.id }, journal.durable)
      expect(read.map((message) => recordOf(message, message.position))).toEqual(
        messages.map((message, index) => recordOf(message, index + 1)),
      )
      await journal.close()
    },
  )

  it(`reads on from any cursor and seeks to any position (SEED=${SEED})`, async () => {
    const random = createRandom(SEED)
    const messages = Array.from({ length: 120 }, (_, index) =>
      messageOf(index + 1, { payload: Buffer.alloc(random.integer(0, 900), index) }),
    )
    const { path, journal } = await journalOf(messages)
    const reader = openReader({ dir: path, id: journal.id, log: captureLog().log })
    for (let round = 0; round < 100; round += 1) {
      const start = random.integer(0, 120)
      const maxBytes = random.pick([1, 60, 500, 5000, 50_000])
      const positions: number[] = []
      let at: Cursor = reader.seek(start)
      expect(at.position).toBe(start)
      while (at.position < 120) {
        const { messages: some, next } = reader.read(at, journal.durable, maxBytes)
        expect(some.length).toBeGreaterThan(0)
        for (const { position, payload } of some) {
          positions.push(position)
          expect(payload.length).toBe(messages[position - 1]?.payload.length)
        }
        expect(next.position).toBe(positions.at(-1))
        at = next
      }
      expect(positions).toEqual(
        Array.from({ length: 120 - start }, (_, index) => start + index + 1),
      )
    }
    reader.close()
    await journal.close()
  })

  it('reads about as many bytes as it is allowed, and at least one message', async () => {
    const messages = Array.from({ length: 60 }, (_, index) =>
      messageOf(index + 1, { payload: Buffer.alloc(900) }),
    )
    const { path, journal } = await journalOf(messages, 64 * 1024)
    const reader = openReader({ dir: path, id: journal.id, log: captureLog().log })
    const start = reader.seek(0)
    expect(reader.read(start, journal.durable, 1).messages).toHaveLength(1)
    expect(reader.read(start, journal.durable, 9000).messages.length).toBeLessThanOrEqual(10)
    expect(reader.read(start, journal.durable, 1e9).messages).toHaveLength(60)
    expect(reader.read(journal.durable, journal.durable, 1e9).messages).toEqual([])
    reader.close()
    await journal.close()
  })

  it('carries messages far larger than a segment', async () => {
    const sizes = [10, 1024 * 1024, 20, 3 * 1024 * 1024, 0, 300_000]
    const messages = sizes.map((size, index) =>
      messageOf(index + 1, { payload: Buffer.alloc(size, `pattern ${index} of 17 bytes`) }),
    )
    const { path, journal } = await journalOf(messages, 64 * 1024)
    const check = (id: string, to: Cursor) => {
      for (const maxBytes of [1, 1e9]) {
        const read = readAll({ dir: path, id }, to, { maxBytes })
        expect(read.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6])
        for (const [index, { payload }] of read.entries()) {
          expect(Buffer.compare(payload, messages[index]?.payload ?? Buffer.alloc(0))).toBe(0)
        }
      }
    }
    check(journal.id, journal.durable)
    await journal.close()
    const again = await openSmall(createFileLayer(), path, { segmentBytes: 64 * 1024 })
    expect(again.report).toMatchObject({ lastPosition: 6, corruptions: [] })
    check(journal.id, again.journal.durable)
    await again.journal.close()
  })

  it('follows a journal that is being written', async () => {
    const path = join(dir.path, String((count += 1)))
    const { journal } = await openSmall(createFileLayer(), path)
    const { log, lines } = captureLog()
    const reader = openReader({ dir: path, id: journal.id, log })
    const positions: number[] = []
    let at = reader.seek(0)
    journal.onDurable((durable) => {
      while (at.position < durable.position) {
        const { messages, next } = reader.read(at, durable, 3000)
        for (const { position, payload } of messages) {
          positions.push(position)
          expect(Buffer.from(payload.subarray(0, 20)).toString()).toContain(`message ${position};`)
        }
        at = next
      }
    })
    const total = 400
    for (let number = 1; number < total; number += 1) {
      const payload = Buffer.from(`message ${number};${'x'.repeat((number * 37) % 700)}`)
      journal.append(messageOf(number, { payload }), () => undefined)
      if (number % 7 === 0) await turn()
    }
    await appended(journal, messageOf(total))
    expect(positions).toEqual(Array.from({ length: total }, (_, index) => index + 1))
    expect(lines).toEqual([])
    reader.close()
    await journal.close()
  })

  it('reports a missing segment and continues after it', async () => {
    const messages = Array.from({ length: 40 }, (_, index) =>
      messageOf(index + 1, { payload: Buffer.alloc(700) }),
    )
    const { path, journal } = await journalOf(messages, 8192)
    const { log, lines } = captureLog()
    const reader = openReader({ dir: path, id: journal.id, log })
    const first = reader.seek(0)
    rmSync(join(path, `${String(first.segment).padStart(16, '0')}.seg`))
    const other = openReader({ dir: path, id: journal.id, log })
    const { messages: rest } = other.read(first, journal.durable, 1e9)
    const gone = (rest[0]?.position ?? 0) - 1
    expect(gone).toBeGreaterThan(0)
    expect(rest.length).toBe(40 - gone)
    expect(lines.filter(({ level }) => level === ERROR_LEVEL)).toMatchObject([
      { segment: first.segment, lost: { first: 1, last: gone } },
    ])
    reader.close()
    other.close()
    await journal.close()
  })

  it('finds nothing in an empty journal', async () => {
    const { path, journal } = await journalOf([])
    const reader = openReader({ dir: path, id: journal.id, log: captureLog().log })
    const start = reader.seek(5)
    expect(start).toEqual({ segment: 0, offset: 0, position: 0 })
    await appended(journal, messageOf(1))
    expect(reader.read(start, journal.durable, 1e6).messages).toHaveLength(1)
    reader.close()
    await journal.close()
  })

  it('refuses the folder of another journal', async () => {
    const { path, journal } = await journalOf([messageOf(1)])
    await journal.close()
    const id = '00000000-0000-4000-8000-000000000000'
    const open = () => openReader({ dir: path, id, log: captureLog().log })
    expect(open).toThrow(new RegExp(`expected journal ${id}, found journal ${journal.id}`))
  })
})
