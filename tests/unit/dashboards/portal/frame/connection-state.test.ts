import { describe, expect, it } from 'vitest'
import { connectionOf } from '../../../../../dashboards/portal/src/frame/connection-state.ts'

describe('the state of the connection', () => {
  const nowMs = 1_000_000
  it.each([
    [{ isReached: true, newestMs: nowMs - 3000, nowMs }, 'live'],
    [{ isReached: true, newestMs: nowMs - 60_000, nowMs }, 'behind'],
    [{ isReached: true, newestMs: null, nowMs }, 'behind'],
    [{ isReached: false, newestMs: nowMs, nowMs }, 'disconnected'],
  ] as const)('%o is %s', (facts, state) => expect(connectionOf(facts).state).toBe(state))
})
