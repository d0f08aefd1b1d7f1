import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32 } from 'node:zlib'
import type { IncomingMessage } from '#lib/telemetry/message.ts'
import {
  checkRecord,
  createTextMemory,
  decodeRecord,
  encodeRecord,
  endsGroupAt,
  groupAt,
  nextCandidate,
  roomFor,
  sealGroup,
} from '../../ingest/journal/record.ts'
import { createSlab, slabOf, type Slab } from '../../ingest/journal/segments/slab.ts'
import { propertyRuns } from '../support/random-runs.ts'

/**
 * Records are written and read in place, in memory that is used again. Here they are compared with
 * the table of their fields, joined field by field.
 */
interface Sealing {
  readonly position: number
  readonly group: number
  readonly seed: number
  readonly isLast: boolean
}

function plainRecord(message: IncomingMessage, { position, group, seed, isLast }: Sealing): Buffer {
  const { device, topic, payload, origin, qos, retain, dup, will } = message
  const texts = [Buffer.from(device), Buffer.from(topic)] as const
  const flags = [retain, dup, will, origin !== null, isLast]
  const head = [
    uint64(position),
    uint64(group),
    int64(message.receivedAtNs),
    int64(message.receivedMonoNs),
    uint16(texts[0].length),
    uint16(texts[1].length),
    uint32(payload.byteLength),
    ...(origin ? [uint64(origin.position), int32(origin.elementIndex), uint32(0)] : []),
  ]
  const body = Buffer.concat([...head, ...texts, payload])
  const length = Math.ceil((16 + body.length) / 8) * 8
  const flagBits = flags.reduce(
    (bits, flag, at) => bits | (flag ? 1 << (at + 2) : 0),
    qos as number,
  )
  const padding = Buffer.alloc(length - 16 - body.length)
  const checked = Buffer.concat([uint32(length), uint32(flagBits), body, padding])
  return Buffer.concat([Buffer.from('PJR1'), uint32(crc32(checked, seed)), checked])
}

const uint16 = (value: number) => numbers(2, (buffer) => buffer.writeUInt16LE(value))
const uint32 = (value: number) => numbers(4, (buffer) => buffer.writeUInt32LE(value))
const int32 = (value: number) => numbers(4, (buffer) => buffer.writeInt32LE(value))
const uint64 = (value: number) => numbers(8, (buffer) => buffer.writeBigUInt64LE(BigInt(value)))
const int64 = (value: bigint) => numbers(8, (buffer) => buffer.writeBigInt64LE(value))

function numbers(bytes: number, write: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(bytes)
  write(buffer)
  return buffer
}

const position = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const messages = fc.record({
  device: fc.string({ unit: 'grapheme', maxLength: 20 }),
  topic: fc.string({ unit: 'grapheme', maxLength: 60 }),
  payload: fc.uint8Array({ maxLength: 200 }),
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
  retain: fc.boolean(),
  dup: fc.boolean(),
  will: fc.boolean(),
  receivedAtNs: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  receivedMonoNs: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  origin: fc.option(
    fc.record({ position, elementIndex: fc.integer({ min: -1, max: 2 ** 31 - 1 }) }),
  ),
})
const sealing = fc.record({
  first: fc.integer({ min: 1, max: 2 ** 52 }),
  group: position,
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
})
const group = fc.array(messages, { minLength: 1, maxLength: 8 })

/** In memory that an earlier group has left full of other bytes. */
function encodedGroup(list: readonly IncomingMessage[], first: number): Slab & { used: number } {
  const slab = createSlab(list.reduce((sum, message) => sum + roomFor(message), 0))
  slab.bytes.fill(0xa5)
  let used = 0
  for (const [at, message] of list.entries()) {
    used += encodeRecord(slab, used, message, first + at)
  }
  return { ...slab, used }
}

describe('a group of records', () => {
  it('has the bytes of the table of fields', () => {
    fc.assert(
      fc.property(group, sealing, (list, { first, group: number, seed }) => {
        const slab = encodedGroup(list, first)
        sealGroup(slab, slab.used, { group: number, seed })
        const plain = list.map((message, at) => {
          const isLast = at === list.length - 1
          return plainRecord(message, { position: first + at, group: number, seed, isLast })
        })
        expect(slab.bytes.subarray(0, slab.used).equals(Buffer.concat(plain))).toBe(true)
      }),
      propertyRuns(),
    )
  })

  it('is read back as it was given, and nothing of it under another seed', () => {
    fc.assert(
      fc.property(group, sealing, (list, { first, group: number, seed }) => {
        const slab = encodedGroup(list, first)
        sealGroup(slab, slab.used, { group: number, seed })
        const texts = createTextMemory(2)
        let at = 0
        for (const [n, message] of list.entries()) {
          const room = slab.used - at
          expect(checkRecord(slab, at, room, (seed + 1) % 2 ** 32)).toBe(0)
          const length = checkRecord(slab, at, room, seed)
          expect(length).toBeGreaterThan(0)
          const { payload, ...rest } = decodeRecord(slab, at, texts(slab, at))
          const { payload: given, ...expected } = message
          expect(rest).toEqual({ ...expected, position: first + n })
          expect(Buffer.from(payload)).toEqual(Buffer.from(given))
          expect(groupAt(slab, at)).toBe(number)
          expect(endsGroupAt(slab, at)).toBe(n === list.length - 1)
          at += length
        }
        expect(at).toBe(slab.used)
      }),
      propertyRuns(),
    )
  })
})

describe('the next place where a record may begin', () => {
  it('is the first multiple of eight with the magic bytes', () => {
    const pieces = fc.array(
      fc.oneof(fc.constant(Buffer.from('PJR1')), fc.uint8Array({ maxLength: 6 })),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(pieces, fc.nat({ max: 60 }), (list, from) => {
        const bytes = Buffer.concat(list)
        let expected = bytes.length
        for (let at = 0; at < bytes.length; at += 8) {
          if (at >= from && bytes.toString('latin1', at, at + 4) === 'PJR1') {
            expected = at
            break
          }
        }
        expect(nextCandidate(slabOf(bytes), from)).toBe(expected)
      }),
      propertyRuns(),
    )
  })
})
