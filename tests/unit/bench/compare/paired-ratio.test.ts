import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pairedRatio, verdictOf } from '../../../../bench/compare/paired-ratio.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

/** Pairs with these logarithms of a / b. */
const pairsOf = (...logs: readonly number[]) =>
  logs.map((log) => ({ a: 50 * Math.exp(log), b: 50 }))

describe('the ratio of paired runs', () => {
  it('is the geometric mean with the t interval of the logarithms', () => {
    // Mean 0.02 and standard deviation 0.01 of seven; t of 6 degrees of freedom is 2.4469 (tables).
    const spread = 0.01 / Math.sqrt(28 / 6)
    const { n, ratio, lower95, upper95 } = pairedRatio(
      pairsOf(...[-3, -2, -1, 0, 1, 2, 3].map((step) => 0.02 + step * spread)),
    )
    const halfWidth = (2.4469 * 0.01) / Math.sqrt(7)
    expect(n).toBe(7)
    expect(ratio).toBeCloseTo(Math.exp(0.02), 6)
    expect(lower95).toBeCloseTo(Math.exp(0.02 - halfWidth), 6)
    expect(upper95).toBeCloseTo(Math.exp(0.02 + halfWidth), 6)
  })

  it('says the same of b / a, and nothing of the machine that both share', () => {
    const cost = fc.double({ min: 1, max: 200, noNaN: true })
    const pairs = fc.array(fc.record({ a: cost, b: cost, slow: cost }), { minLength: 2 })
    fc.assert(
      fc.property(pairs, (runs) => {
        const one = pairedRatio(runs)
        const turned = pairedRatio(runs.map(({ a, b, slow }) => ({ a: b * slow, b: a * slow })))
        expect(one.ratio * turned.ratio).toBeCloseTo(1, 6)
        expect((one.upper95 ?? 0) * (turned.lower95 ?? 0)).toBeCloseTo(1, 6)
      }),
      propertyRuns(),
    )
  })

  it('has no interval of one pair', () => {
    const one = pairedRatio(pairsOf(0))
    expect(one).toEqual({ n: 1, ratio: 1, lower95: null, upper95: null })
    expect(verdictOf(one, 1.05)).toBe('undecided')
  })
})

describe('the verdict', () => {
  const interval = (lower95: number, upper95: number) => ({ n: 7, ratio: 1, lower95, upper95 })

  it('passes only if the interval ends below the limit', () => {
    expect(verdictOf(interval(0.98, 1.049), 1.05)).toBe('passes')
    expect(verdictOf(interval(0.98, 1.05), 1.05)).toBe('undecided')
  })

  it('fails only if the interval begins above the limit', () => {
    expect(verdictOf(interval(1.051, 1.2), 1.05)).toBe('fails')
    expect(verdictOf(interval(1.05, 1.2), 1.05)).toBe('undecided')
  })
})
