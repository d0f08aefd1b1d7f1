import { describe, expect, it } from 'vitest'
import { connectionOf } from '../../../../../dashboards/portal/src/frame/connection-state.ts'

describe('the state of the connection', () => {
  const nowMs = 1_000_000
  const facts = { contactMs: nowMs - 500, isFailing: false, newestMs: nowMs - 3000, nowMs }
  it.each([
    [facts, { state: 'live', ageMs: 3000 }],
    [
      { ...facts, newestMs: nowMs - 60_000 },
      { state: 'behind', ageMs: 60_000 },
    ],
    [
      { ...facts, newestMs: null },
      { state: 'behind', ageMs: null },
    ],
  ])('%o is %o', (given, connection) => expect(connectionOf(given)).toEqual(connection))

  it('is live while events arrive, though a request fails', () => {
    const given = { ...facts, isFailing: true, contactMs: nowMs - 100, newestMs: nowMs - 200 }
    expect(connectionOf(given).state).toBe('live')
  })

  it('gives the age of the last contact when disconnected, never that of a newer event', () => {
    const given = { contactMs: nowMs - 8000, isFailing: true, newestMs: nowMs, nowMs }
    expect(connectionOf(given)).toEqual({ state: 'disconnected', ageMs: 8000 })
  })
})
