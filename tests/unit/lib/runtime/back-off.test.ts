import { expect, it } from 'vitest'
import { createBackoff } from '#lib/runtime/back-off.ts'
import { createRandom } from '#lib/runtime/random.ts'

it('doubles the pause with each failure up to the limit, and begins again after a success', () => {
  const backoff = createBackoff({ firstMs: 100, maxMs: 1000 })
  const pauses = Array.from({ length: 6 }, () => backoff.next())
  expect(pauses).toEqual([100, 200, 400, 800, 1000, 1000])
  expect(backoff.attempts).toBe(6)
  backoff.reset()
  expect(backoff.attempts).toBe(0)
  expect(backoff.longest()).toBe(1000)
  expect(backoff.next()).toBe(200)
})

it('stays at the limit however many attempts fail', () => {
  const backoff = createBackoff({ firstMs: 1, maxMs: 60_000 })
  const pauses = Array.from({ length: 2000 }, () => backoff.next())
  expect(pauses.at(-1)).toBe(60_000)
})

it('spreads each pause over its upper half when it has random numbers', () => {
  const backoff = createBackoff({ firstMs: 100, maxMs: 1000, random: createRandom(1) })
  const pauses = Array.from({ length: 8 }, () => backoff.next())
  for (const [at, ms] of pauses.entries()) {
    const top = Math.min(1000, 100 * 2 ** at)
    expect(ms).toBeGreaterThanOrEqual(top / 2)
    expect(ms).toBeLessThanOrEqual(top)
  }
  expect(new Set(pauses.slice(4)).size).toBeGreaterThan(1)
  expect(backoff.longest()).toBeGreaterThanOrEqual(500)
})
