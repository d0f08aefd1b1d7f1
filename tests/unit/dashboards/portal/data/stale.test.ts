import { describe, expect, it } from 'vitest'
import { isStale } from '../../../../../dashboards/portal/src/data/stale.ts'

describe('a result on the screen', () => {
  const good = { loadedAtMs: 100_000, fault: null, everyMs: 5000 }
  const fault = { reason: 'unreachable', detail: '' } as const
  it.each([
    ['is fresh until its next request is overdue', good, 120_000, false],
    ['is stale when nothing replaced it for two intervals', good, 120_001, true],
    ['is stale after 10 s when a request failed', { ...good, fault }, 110_001, true],
    ['is not stale before it is there', { ...good, loadedAtMs: null, fault }, 900_000, false],
  ])('%s', (_, query, nowMs, expected) => expect(isStale(query, nowMs)).toBe(expected))
})
