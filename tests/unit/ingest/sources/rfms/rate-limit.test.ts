import { describe, expect, it } from 'vitest'
import { exhaustedMs, retryAfterMs } from '../../../../../ingest/sources/rfms/rate-limit.ts'

const NOW_MS = Date.UTC(2026, 10, 25, 2)

describe('the pause that a server requests', () => {
  const after = (headers: Record<string, string>) => retryAfterMs(new Headers(headers), NOW_MS)

  it('is seconds, or a date, or the rest of its period', () => {
    expect(after({ 'retry-after': '30' })).toBe(30_000)
    expect(after({ 'retry-after': 'Wed, 25 Nov 2026 02:00:10 GMT' })).toBe(10_000)
    expect(after({ 'x-rate-limit-reset': '7' })).toBe(7000)
    expect(after({ 'X-RateLimit-Reset': String(NOW_MS / 1000 + 12) })).toBe(12_000)
  })

  it('is null without a usable header, and never more than an hour', () => {
    expect(after({})).toBeNull()
    expect(after({ 'retry-after': 'soon' })).toBeNull()
    expect(after({ 'retry-after': '99999999' })).toBe(3_600_000)
    expect(after({ 'retry-after': 'Wed, 25 Nov 2020 02:00:10 GMT' })).toBe(0)
  })

  it('counts only when the limit is used up', () => {
    const limit = (remaining: string) =>
      exhaustedMs(
        new Headers({ 'x-rate-limit-remaining': remaining, 'x-rate-limit-reset': '5' }),
        NOW_MS,
      )
    expect([limit('1'), limit('0')]).toEqual([0, 5000])
  })
})
