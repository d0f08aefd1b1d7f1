import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mbusNumber } from '../../ingest/formats/mbus/number.ts'
import { propertyRuns } from '../support/random-runs.ts'

/** Low half of the DIF by the length of an integer, and of a binary coded decimal (EN 13757-3). */
const INTEGERS = [
  [1, 1],
  [2, 2],
  [3, 3],
  [4, 4],
  [6, 6],
  [7, 8],
] as const
const DECIMALS = [
  [0x9, 1],
  [0xa, 2],
  [0xb, 3],
  [0xc, 4],
  [0xe, 6],
] as const

/** Two's complement, lowest byte first, one byte after the other. */
function integerBytes(value: bigint, length: number): Uint8Array {
  const bits = BigInt.asUintN(length * 8, value)
  return Uint8Array.from({ length }, (_, at) => Number((bits >> BigInt(at * 8)) & 0xffn))
}

describe('the numbers of M-Bus', () => {
  it.each(INTEGERS)(
    'coding %i reads every integer of %i bytes, the lowest as none',
    (coding, length) => {
      const lowest = -(1n << BigInt(length * 8 - 1))
      fc.assert(
        fc.property(fc.bigInt({ min: lowest, max: -lowest - 1n }), (value) => {
          const expected = value === lowest ? null : Number(value)
          const read = mbusNumber(coding, integerBytes(value, length))
          expect(read).toEqual({ value: expected, isError: false })
        }),
        { examples: [[lowest], [lowest + 1n], [-1n], [0n]] },
      )
    },
  )

  it.each(DECIMALS)(
    'coding %i reads every decimal of %i bytes, with its sign',
    (coding, length) => {
      const digits = length * 2
      fc.assert(
        fc.property(fc.nat(10 ** (digits - 1) - 1), fc.boolean(), (size, isNegative) => {
          const text = `${isNegative ? 'f' : '0'}${String(size).padStart(digits - 1, '0')}`
          const data = Buffer.from(text, 'hex').toReversed()
          const value = isNegative ? -size : size
          expect(mbusNumber(coding, data)).toEqual({ value, isError: false })
        }),
        propertyRuns(),
      )
    },
  )

  it('reads every float of 32 bits that is a number', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const data = Buffer.alloc(4)
        data.writeFloatLE(value)
        expect(mbusNumber(5, data)).toEqual({ value, isError: false })
      }),
      propertyRuns(),
    )
  })
})
