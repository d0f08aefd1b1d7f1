import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import { teltonikaCodec8 } from '../../../../ingest/formats/teltonika-codec8.ts'
import { crc16 } from '../../../../ingest/formats/teltonika-codec8/crc16.ts'
import { formatInput } from '../../../support/format-input.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const parse = (payload: Uint8Array, settings: Device['settings'] = {}) =>
  teltonikaCodec8.parse(formatInput(payload, 'truck', 'teltonika-codec8', settings))

/** Data of a packet in its frame, with a checksum that is right. */
function framed(data: Uint8Array): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(data.length, 4)
  const tail = Buffer.alloc(4)
  tail.writeUInt32BE(crc16(data))
  return Buffer.concat([head, data, tail])
}

interface Fix {
  readonly ms: bigint
  readonly lon: number
  readonly lat: number
  readonly alt: number
  readonly angle: number
  readonly satellites: number
  readonly speed: number
}

/** A record of Codec 8 without values. */
function record({ ms, lon, lat, alt, angle, satellites, speed }: Fix): Buffer {
  const bytes = Buffer.alloc(30)
  bytes.writeBigUInt64BE(ms, 0)
  bytes.writeInt32BE(lon, 9)
  bytes.writeInt32BE(lat, 13)
  bytes.writeInt16BE(alt, 17)
  bytes.writeUInt16BE(angle, 19)
  bytes.writeUInt8(satellites, 21)
  bytes.writeUInt16BE(speed, 22)
  return bytes
}

const packet = (...records: readonly Buffer[]) =>
  framed(Buffer.concat([Buffer.of(8, records.length), ...records, Buffer.of(records.length)]))

describe('the checksum', () => {
  it('matches the check value of CRC-16/ARC', () => {
    expect(crc16(Buffer.from('123456789'))).toBe(0xbb3d)
    expect(crc16(Buffer.of())).toBe(0)
  })

  it('detects every single changed bit', () => {
    const good = packet(record({ ...FIX, ms: 1n }))
    for (let bit = 64; bit < good.length * 8; bit += 1) {
      const bad = Buffer.from(good)
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(parse(bad).elements, `bit ${bit}`).toEqual([])
      expect(parse(bad).refused).toMatchObject([{ elementIndex: -1, reason: 'malformed' }])
    }
  })
})

const FIX: Fix = {
  ms: 1_764_000_000_123n,
  lon: 93_577_000,
  lat: 548_253_000,
  alt: 38,
  angle: 272,
  satellites: 9,
  speed: 62,
}

describe('a packet', () => {
  const fix = fc.record({
    ms: fc.bigInt({ min: 0n, max: 4_000_000_000_000n }),
    lon: fc.integer({ min: -1_800_000_000, max: 1_800_000_000 }),
    lat: fc.integer({ min: 1, max: 900_000_000 }),
    alt: fc.integer({ min: -500, max: 9000 }),
    angle: fc.nat(360),
    satellites: fc.integer({ min: 1, max: 40 }),
    speed: fc.nat(130),
  })

  it('gives each record as a reading, in order', () => {
    fc.assert(
      fc.property(fc.array(fix, { minLength: 1, maxLength: 20 }), (fixes) => {
        const { elements, refused } = parse(packet(...fixes.map(record)))
        expect(refused).toEqual([])
        expect(elements).toEqual(
          fixes.map((one, elementIndex) => ({
            elementIndex,
            kind: 'truck',
            seq: null,
            timeNs: one.ms * 1_000_000n,
            flags: 0,
            fields: {
              lat: one.lat / 1e7,
              lon: one.lon / 1e7,
              altM: one.alt,
              headingDeg: one.angle,
              satellites: one.satellites,
              speedKmh: one.speed,
            },
            radio: null,
            hash: hashBytes(record(one)),
          })),
        )
      }),
      propertyRuns(),
    )
  })

  it('gives the same readings when its records come again in another packet', () => {
    const other = record({ ...FIX, ms: 1n })
    const first = parse(packet(record(FIX))).elements[0]
    const again = parse(packet(other, record(FIX))).elements[1]
    expect(again?.hash).toBe(first?.hash)
  })

  it('may be hexadecimal text', () => {
    const bytes = packet(record(FIX))
    const text = Buffer.from(`${bytes.toString('hex')}\r\n`)
    expect(parse(text)).toEqual(parse(bytes))
  })

  it('has the last possible time where 64 bits of ns overflow', () => {
    const { elements } = parse(packet(record({ ...FIX, ms: 2n ** 64n - 1n })))
    expect(elements).toMatchObject([{ timeNs: 9_223_372_036_854_000_000n }])
  })

  it('is refused as a whole for a mistake in the settings', () => {
    const { elements, refused } = parse(packet(record(FIX)), { avl: { '72': 'x' } })
    expect(elements).toEqual([])
    expect(refused).toMatchObject([{ elementIndex: -1, path: 'settings.avl.72.to' }])
  })

  it('with a correct checksum over any bytes never throws', () => {
    const codec = fc.constantFrom(8, 0x8e, 16, 12, 9)
    const inner = fc.uint8Array({ maxLength: 400 })
    fc.assert(
      fc.property(codec, fc.nat(255), inner, (id, count, bytes) => {
        const data = Buffer.concat([Buffer.of(id, count), bytes])
        const { elements, refused } = parse(framed(data), { avl: { '72': { to: 'cargoTemp1C' } } })
        expect(elements.length + refused.length <= Math.max(1, count)).toBe(true)
        for (const { fields } of elements) expect(Object.keys(fields)).not.toEqual([])
      }),
      propertyRuns(2000),
    )
  })

  it.each([8, 0x8e, 16])('of Codec %d that is cut off anywhere is refused as a whole', (codec) => {
    const whole = Buffer.from(FIXED[codec] ?? '', 'hex').subarray(8, -4)
    expect(parse(framed(whole)).refused).toEqual([])
    for (let length = 3; length < whole.length; length += 1) {
      const { elements, refused } = parse(framed(whole.subarray(0, length)))
      expect(elements, `${length} bytes`).toEqual([])
      expect(refused).toMatchObject([{ elementIndex: -1, reason: 'malformed' }])
    }
    const withoutCount = parse(framed(whole.subarray(0, -1))).refused
    expect(withoutCount).toMatchObject([{ got: 'the end of the data' }])
  })
})

/** Examples of wiki.teltonika-gps.com, Teltonika Data Sending Protocols. */
const FIXED: Readonly<Record<number, string>> = {
  8:
    '000000000000003608010000016B40D8EA300100000000000000000000000000000001050215030101014' +
    '25E0F01F10000601A014E0000000000000000010000C7CF',
  0x8e:
    '000000000000004A8E010000016B412CEE000100000000000000000000000000000000010005000100010' +
    '100010011001D00010010015E2C880002000B000000003544C87A000E000000001DD7E06A00000100002994',
  16:
    '000000000000005F10020000016BDBC7833000000000000000000000000000000000000B0504020001000' +
    '0030002000B00270042563A00000000016BDBC7871800000000000000000000000000000000000B050402' +
    '00010000030002000B00260042563A00000200005FB3',
}
