import { describe, expect, it } from 'vitest'
import { isoOf, nsToMs, systemClock } from '#lib/runtime/clock.ts'

describe('the clock', () => {
  it('gives wall time in nanoseconds, and a monotonic time', () => {
    expect(Math.abs(nsToMs(systemClock.nowNs()) - Date.now())).toBeLessThan(1000)
    const [before, after] = [systemClock.monoNs(), systemClock.monoNs()]
    expect(after).toBeGreaterThanOrEqual(before)
  })

  it('formats ISO times with as many digits as needed', () => {
    const ns = 1_764_000_000_123_000_000n
    expect(isoOf(ns)).toBe('2025-11-24T16:00:00.123Z')
    expect(isoOf(ns + 1n)).toBe('2025-11-24T16:00:00.123000001Z')
    expect(isoOf(-1n)).toBe('1969-12-31T23:59:59.999999999Z')
    expect(nsToMs(1_234_567n)).toBe(1.234)
  })
})
