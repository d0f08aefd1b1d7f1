import type { BackPressure } from './back-pressure.ts'
import type { Connection } from './connection.ts'

/** Tokens of one pause: enough to make waking up worth while, too few to be felt as a stutter. */
const PAUSE_MS = 20

/**
 * A token bucket per connection that holds one second of messages; a filter that is subscribed or
 * unsubscribed costs as much as a message. A client above the rate is read later, so that its own
 * socket slows it down; nothing is dropped, and nothing acknowledged early.
 */
export class RateLimit {
  readonly #perSecond: number
  readonly #pauseMs: number
  readonly #monoNs: () => bigint
  readonly #backPressure: BackPressure

  constructor(perSecond: number, monoNs: () => bigint, backPressure: BackPressure) {
    this.#perSecond = perSecond
    this.#pauseMs = Math.max(PAUSE_MS, Math.ceil(1000 / perSecond))
    this.#monoNs = monoNs
    this.#backPressure = backPressure
  }

  /**
   * Takes tokens; false when there is none: the connection is paused until there are. What costs more
   * than there are is let through, and paid for by what comes after it.
   */
  take(connection: Connection, cost = 1): boolean {
    if (connection.tokens < 1 && !this.#refill(connection)) {
      this.#backPressure.pause(connection, 'rate')
      setTimeout(() => this.#backPressure.resume(connection, 'rate'), this.#pauseMs).unref()
      return false
    }
    connection.tokens -= cost
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
