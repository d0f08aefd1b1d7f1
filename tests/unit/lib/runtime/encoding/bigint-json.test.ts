import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { decodeJson, encodeJson } from '#lib/runtime/encoding/bigint-json.ts'
import { timesRuns } from '../../../../support/random-runs.ts'

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const back = (value: unknown) => decodeJson(encodeJson(value))

describe('JSON between processes', () => {
  it('returns every value as it was written', () => {
    const leaf = fc.oneof(
      fc.bigInt(),
      fc.double(),
      fc.string({ unit: 'grapheme' }),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array(),
    )
    const names = fc.oneof(fc.string(), fc.constantFrom('$bigint', '$object', '$', '__proto__'))
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.array(fc.tuple(names, tie('value')), { maxLength: 4 }).map(Object.fromEntries),
      ),
    }))
    fc.assert(
      fc.property(value, (given) => {
        expect(back(given)).toStrictEqual(given)
      }),
      { seed: SEED, numRuns: timesRuns(500) },
    )
  })

  it('keeps nanoseconds, bytes of a longer buffer, and numbers that JSON does not know', () => {
    const whole = Buffer.from('before the bytes after')
    const given = {
      timeNs: 1_764_000_000_123_456_789n,
      payload: new Uint8Array(whole.buffer, whole.byteOffset + 11, 5),
      odd: [Number.NaN, Infinity, -Infinity, -0],
    }
    expect(back(given)).toStrictEqual({ ...given, payload: new Uint8Array(Buffer.from('bytes')) })
  })

  it('does not confuse an object that has a reserved name with an encoded value, and leaves undefined out', () => {
    const odd = { $bigint: '1', other: { $object: { $bytes: 'AA==' } } }
    expect(back(odd)).toEqual(odd)
    expect(back({ a: 1, b: undefined, c: [undefined] })).toEqual({ a: 1, c: [null] })
    expect(back(undefined)).toBeNull()
  })

  it('is one line', () => {
    expect(encodeJson({ text: 'two\nlines\u2028' })).not.toMatch(/\n/)
  })

  it('refuses functions, cycles, and texts that it has not written', () => {
    const ring: { self?: unknown } = {}
    ring.self = ring
    expect(() => encodeJson({ call: () => 1 })).toThrow(/plain value/)
    expect(() => encodeJson(ring)).toThrow(/levels deep/)
    for (const text of ['', '{', '{"$bigint":1}', '{"$bigint":"x"}', '{"$new":1}']) {
      expect(() => decodeJson(text), text).toThrow(SyntaxError)
    }
    expect(() => decodeJson('['.repeat(300) + ']'.repeat(300))).toThrow(SyntaxError)
  })
})
