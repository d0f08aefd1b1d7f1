import { describe, expect, it } from 'vitest'
import { createRandom, createRandomFromClock, randomId, randomSecret } from '#lib/runtime/random.ts'

const SEED = Number(process.env['SEED'] ?? 20261124)
/** The first numbers of seed 7: simulators and tests count on them. */
const GOLDEN = [23_419, 663_489, 693_112, 565_276, 679_326]

describe('random numbers', () => {
  it('depend on the seed alone, the same on every machine', () => {
    const take = (seed: number) => {
      const random = createRandom(seed)
      return Array.from({ length: 5 }, () => random.integer(0, 999_999))
    }
    expect(take(7)).toEqual(take(7))
    expect(take(7)).toEqual(GOLDEN)
    const series = [0, 1, 2, 7, 8, -1, 2 ** 32, 2 ** 32 + 1, 0.5].map((seed) => take(seed).join())
    // A fraction is cut off, so 0.5 is the seed 0.
    expect(new Set(series).size).toBe(series.length - 1)
  })

  it(`lie between their bounds and reach both (SEED=${SEED})`, () => {
    const random = createRandom(SEED)
    const numbers = Array.from({ length: 10_000 }, () => random.next())
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...numbers)).toBeLessThan(1)
    const meanOf = (list: readonly number[]) => list.reduce((sum, n) => sum + n, 0) / list.length
    expect(Math.abs(meanOf(numbers) - 0.5)).toBeLessThan(0.02)
    const dice = new Set(Array.from({ length: 1000 }, () => random.integer(-1, 4)))
    expect([...dice].toSorted((a, b) => a - b)).toEqual([-1, 0, 1, 2, 3, 4])
    expect(random.integer(5, 5)).toBe(5)
    expect(new Set(Array.from({ length: 200 }, () => random.pick(['a', 'b', 'c']))).size).toBe(3)
    expect(() => random.pick([])).toThrow(RangeError)
  })

  it('depend on the time when they are seeded by the clock', () => {
    const first = (nowNs: bigint) =>
      createRandomFromClock({ nowNs: () => nowNs, monoNs: () => 0n }).next()
    expect(first(1n)).not.toBe(first(2n))
    expect(first(1n)).toBe(first(1n))
  })

  it('for secrets carry 192 bits and never repeat', () => {
    const secrets = Array.from({ length: 100 }, () => randomSecret('pbx_'))
    expect(new Set(secrets).size).toBe(100)
    for (const secret of secrets) expect(secret).toMatch(/^pbx_[A-Za-z0-9_-]{32}$/)
    expect(randomSecret()).toMatch(/^pbs_/)
    expect(randomId()).not.toBe(randomId())
  })
})
