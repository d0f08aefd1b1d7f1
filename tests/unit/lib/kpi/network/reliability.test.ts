import { describe, expect, it } from 'vitest'
import { incompleteBeta } from '#lib/kpi/beta.ts'
import {
  messagesToDemonstrate,
  reliability,
  reliabilityOf,
  reliabilityVerdict,
} from '#lib/kpi/network/reliability.ts'

/** P(at most k failures of n), summed term by term: another way than the one under test. */
function atMost(k: number, n: number, success: number): number {
  let term = success ** n
  let sum = term
  for (let failures = 1; failures <= k; failures += 1) {
    term *= (((n - failures + 1) / failures) * (1 - success)) / success
    sum += term
  }
  return sum
}

describe('the reliability that n messages prove', () => {
  it.each([
    [0.999, 2995],
    [0.9999, 29_956],
    [0.99999, 299_572],
    [0.999999, 2_995_731],
  ])('%d needs %i messages without a failure (docs/domain.md 5.2)', (target, n) => {
    expect(messagesToDemonstrate(target)).toBe(n)
    expect(reliabilityVerdict(reliability(n, 0), target)).toBe('demonstrated')
    expect(reliabilityVerdict(reliability(n - 1, 0), target)).toBe('not demonstrated')
  })

  it('says "not demonstrated" of 1000 messages without a failure against 99.9 %', () => {
    const figures = reliability(1000, 0)
    expect(figures.observed).toBe(1)
    expect(figures.lower95).toBeCloseTo(0.997009, 6)
    expect(reliabilityVerdict(figures, 0.999)).toBe('not demonstrated')
  })

  it.each([
    [10, 1],
    [100, 5],
    [1000, 3],
    [50_000, 40],
    [200, 150],
  ])('of %i messages with %i failures is the share that gives so few once in twenty', (n, k) => {
    const { lower95, observed } = reliability(n, k)
    expect(lower95).toBeLessThan(observed!)
    expect(atMost(k, n, lower95)).toBeCloseTo(0.05, 9)
  })

  it('takes the printed bound of 1 failure in 10 (Clopper and Pearson, one-sided)', () => {
    // 1 - 0.3942: the upper 95 % bound of 1 in 10 in tables of the binomial distribution.
    expect(reliability(10, 1).lower95).toBeCloseTo(0.6058, 4)
  })

  it('proves nothing without messages, or when all of them failed', () => {
    expect(reliability(0, 0)).toMatchObject({ observed: null, lower95: 0 })
    expect(reliability(5, 5)).toMatchObject({ observed: 0, lower95: 0 })
  })

  it('requires a reliability that can be demonstrated', () => {
    expect(() => messagesToDemonstrate(1)).toThrow('between 0 and 1')
  })

  it('counts late and lost messages as failures', () => {
    const messages = [
      { sentNs: 0n, receivedNs: 10n },
      { sentNs: 0n, receivedNs: 11n },
      { sentNs: 0n, receivedNs: null },
    ]
    expect(reliabilityOf(messages, 10n)).toMatchObject({ n: 3, failures: 2 })
  })
})

describe('the incomplete beta function', () => {
  it('gives closed forms: I_x(1, b) and I_x(a, 1), and one half by symmetry', () => {
    expect(incompleteBeta(0.3, 1, 4)).toBeCloseTo(1 - 0.7 ** 4, 14)
    expect(incompleteBeta(0.3, 4, 1)).toBeCloseTo(0.3 ** 4, 14)
    expect(incompleteBeta(0.5, 7.5, 7.5)).toBeCloseTo(0.5, 12)
    expect([incompleteBeta(0, 2, 3), incompleteBeta(1, 2, 3)]).toEqual([0, 1])
  })
})
