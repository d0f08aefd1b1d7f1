import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashBytes, hashText } from '#lib/telemetry/hash.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const HASH_EMPTY = 13878292273260680854n
const HASH_SEQ = 15872500420546077153n
const HASH_TEXT = 8617582703323436333n
const HASH_DANISH = 283667444595452163n

const bytes = (text: string) => new TextEncoder().encode(text)

describe('the content hash', () => {
  it('never changes: stored readings are compared with it', () => {
    expect(hashBytes(bytes(''))).toBe(HASH_EMPTY)
    expect(hashBytes(bytes('{"seq":1}'))).toBe(HASH_SEQ)
    expect(hashText('{"seq":1}')).toBe(HASH_TEXT)
    expect(hashText('Sønderborg')).toBe(HASH_DANISH)
  })

  it('has 64 bits without a sign', () => {
    for (let n = 0; n < 2000; n += 1) {
      const hash = hashBytes(bytes(`${n}`))
      expect(hash >= 0n && hash < 2n ** 64n).toBe(true)
    }
  })

  it('differs for every length, also of zeros', () => {
    const hashes = new Set(Array.from({ length: 600 }, (_, n) => hashBytes(new Uint8Array(n))))
    expect(hashes.size).toBe(600)
  })

  it('does not depend on where the bytes lie in their buffer', () => {
    const outer = bytes('xxxx{"seq":1}yy')
    for (const view of [outer.subarray(4, 13), bytes('{"seq":1}')]) {
      expect(hashBytes(view)).toBe(HASH_SEQ)
    }
  })

  it('has no collision, in neither half too many, over 200 000 neighbouring payloads', () => {
    const all = new Set<bigint>()
    const low = new Set<bigint>()
    const high = new Set<bigint>()
    const n = 200_000
    for (let seq = 0; seq < n; seq += 1) {
      const hash = hashText(`{"v":1,"kind":"truck","ts":17640000${seq},"seq":${seq}}`)
      all.add(hash)
      low.add(hash & 0xffff_ffffn)
      high.add(hash >> 32n)
    }
    expect(all.size).toBe(n)
    // 32 random bits are expected to meet 4.7 times.
    expect(n - low.size).toBeLessThan(20)
    expect(n - high.size).toBeLessThan(20)
  })

  it('changes about half of its bits with any one bit of the payload', () => {
    const payload = bytes('{"v":1,"kind":"truck","seq":42,"data":{"speedKmh":83.0625}}')
    // Three bytes are left over after the last whole word.
    expect(payload.length % 4).toBe(3)
    const before = hashBytes(payload)
    for (let bit = 0; bit < payload.length * 8; bit += 1) {
      const changed = payload.slice()
      changed[bit >> 3]! ^= 1 << (bit & 7)
      const flipped = (before ^ hashBytes(changed)).toString(2).replaceAll('0', '').length
      expect(flipped).toBeGreaterThan(10)
      expect(flipped).toBeLessThan(54)
    }
  })

  it('is the same when computed word by word in plain arithmetic', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.string({ maxLength: 70 }), (given, text) => {
        expect(hashBytes(given)).toBe(plainHash([...given], 8, 0n))
        const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at))
        expect(hashText(text)).toBe(plainHash(units, 16, 0x27d4eb2fn))
      }),
      propertyRuns(500),
    )
  })
})

const low32 = (value: bigint) => BigInt.asUintN(32, value)
const rotated = (value: bigint, bits: bigint) => low32((value << bits) | (value >> (32n - bits)))

/** The hash as it is defined, with unbounded integers: units are bytes or UTF-16 code units. */
function plainHash(units: readonly number[], bitsPerUnit: number, seed: bigint): bigint {
  const perWord = 32 / bitsPerUnit
  const whole = units.length - (units.length % perWord)
  let a = 0x1b873593n ^ BigInt(units.length) ^ seed
  let b = 0x85ebca77n
  for (let at = 0; at < whole; at += perWord) {
    // The first unit of a word is its lowest.
    const word = units
      .slice(at, at + perWord)
      .reduceRight((sum, unit) => (sum << BigInt(bitsPerUnit)) | BigInt(unit), 0n)
    a = rotated(low32((a ^ word) * 0xcc9e2d51n), 13n)
    b = rotated(low32((b + word) * 0x9e3779b1n) ^ a, 17n)
  }
  // Of what is left the first unit is the highest.
  const tail = units
    .slice(whole)
    .reduce((sum, unit) => (sum << BigInt(bitsPerUnit)) | BigInt(unit), 0n)
  const high = avalanche(low32((a ^ tail) * 0x9e3779b1n) + b)
  return (high << 32n) | avalanche(low32((b + tail) * 0xcc9e2d51n) ^ high)
}

function avalanche(lane: bigint): bigint {
  let x = low32(lane)
  x = low32((x ^ (x >> 16n)) * 0x85ebca6bn)
  x = low32((x ^ (x >> 13n)) * 0xc2b2ae35n)
  return x ^ (x >> 16n)
}
