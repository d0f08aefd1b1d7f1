import type { Connection } from './connection.ts'

/**
 * A token bucket per connection that holds one second of messages. Above the rate a client is read
 * later, so that its own socket slows it; nothing is dropped, and nothing acknowledged early.
 */
export interface Pacing {
  /** Takes a token; false when there is none. */
  take(connection: Connection): boolean
  /** How long to wait before it is worth to try again. */
  readonly pauseMs: number
}

/** Tokens of one pause: enough to make waking up worth while, too few to feel as a stutter. */
const PAUSE_MS = 20

export function createPacing(maxRatePerDevice: number, monoNs: () => bigint): Pacing {
  return {
    pauseMs: Math.max(PAUSE_MS, Math.ceil(1000 / maxRatePerDevice)),
    take(connection) {
      if (connection.tokens < 1 && !refill(connection)) return false
      connection.tokens -= 1
      return true
    },
  }

  function refill(connection: Connection): boolean {
    const nowNs = monoNs()
    const isFirst = connection.tokensAtNs === 0n
    const seconds = isFirst ? 1 : Number(nowNs - connection.tokensAtNs) / 1e9
    const tokens = Math.min(maxRatePerDevice, connection.tokens + seconds * maxRatePerDevice)
    if (tokens < 1) return false
    connection.tokens = tokens
    connection.tokensAtNs = nowNs
    return true
  }
}
