import type { Connection } from './connection.ts'

/** Tokens of one pause: enough to make waking up worth while, too few to be felt as a stutter. */
const PAUSE_MS = 20

/**
 * A token bucket per connection that holds one second of messages. A client above the rate is read
 * later, so that its own socket slows it down; nothing is dropped, and nothing acknowledged early.
 */
export class RateLimit {
  /** How long a connection without a token pauses. */
  readonly pauseMs: number
  readonly #perSecond: number
  readonly #monoNs: () => bigint

  constructor(perSecond: number, monoNs: () => bigint) {
    this.pauseMs = Math.max(PAUSE_MS, Math.ceil(1000 / perSecond))
    this.#perSecond = perSecond
    this.#monoNs = monoNs
  }

  /** Takes a token; false when there is none. */
  take(connection: Connection): boolean {
    if (connection.tokens < 1 && !this.#refill(connection)) return false
    connection.tokens -= 1
    return true
  }

  #refill(connection: Connection): boolean {
    const nowNs = this.#monoNs()
    const isFirst = connection.tokensAtNs === 0n
    const seconds = isFirst ? 1 : Number(nowNs - connection.tokensAtNs) / 1e9
    const tokens = Math.min(this.#perSecond, connection.tokens + seconds * this.#perSecond)
    if (tokens < 1) return false
    connection.tokens = tokens
    connection.tokensAtNs = nowNs
    return true
  }
}
