import type { BackPressure } from './back-pressure.ts'
import type { Connection } from './connection.ts'
import { TurnShares } from './turn-shares.ts'

/** Messages that are taken in one turn of the loop: of a tenant, of all, and of one connection. */
export const MESSAGES_PER_TURN = {
  ofTenant: 500,
  ofAll: 2000,
  atLeast: 16,
  ofConnection: 64,
} as const

/** The connections of one tenant that wait, each group in the order in which it began to. */
interface Waiting {
  /** They got nothing of the turn in which they began to wait: they come first. */
  readonly unserved: Set<Connection>
  readonly served: Set<Connection>
  /** Resumed, and not read yet. */
  readonly resumed: Set<Connection>
}

/**
 * Shares each turn of the event loop among tenants, and what a tenant has of it among its connections:
 * a flood of one, over however many connections, lets the messages of another one pass in the next
 * turn. No more connections are resumed than can be served.
 */
export class TenantTurns {
  readonly #backPressure: BackPressure
  readonly #shares = new TurnShares(MESSAGES_PER_TURN, () => this.#next())
  readonly #takenOn = new Map<Connection, number>()
  readonly #tenants = new Map<string, Waiting>()

  constructor(backPressure: BackPressure) {
    this.#backPressure = backPressure
  }

  /** False: not in this turn; the connection is paused until one of the next. */
  take(connection: Connection): boolean {
    const { prefix } = connection
    const ofConnection = this.#takenOn.get(connection) ?? 0
    const left = this.#shares.leftFor(prefix)
    if (left <= 0 || ofConnection >= MESSAGES_PER_TURN.ofConnection) {
      this.#wait(connection, ofConnection > 0)
      return false
    }
    this.#shares.take(prefix, 1)
    this.#takenOn.set(connection, ofConnection + 1)
    return true
  }

  #wait(connection: Connection, isServed: boolean): void {
    const { prefix } = connection
    const waiting = this.#tenants.get(prefix) ?? createWaiting()
    this.#tenants.set(prefix, waiting)
    waiting.resumed.delete(connection)
    if (isServed) waiting.served.add(connection)
    else waiting.unserved.add(connection)
    this.#backPressure.pause(connection, 'turn')
  }

  /** What is resumed is read after the next of these, so before what comes from sockets then. */
  #next(): void {
    this.#takenOn.clear()
    for (const [prefix, waiting] of this.#tenants) {
      const { unserved, served, resumed } = waiting
      for (const connection of resumed) {
        if (connection.pausedBy !== 'turn' || connection.stage === 'closed') {
          resumed.delete(connection)
        }
      }
      this.#resume(unserved, resumed, prefix)
      this.#resume(served, resumed, prefix)
      if (unserved.size + served.size + resumed.size === 0) this.#tenants.delete(prefix)
    }
  }

  /** Each of them takes at least one message. */
  #resume(waiting: Set<Connection>, resumed: Set<Connection>, prefix: string): void {
    for (const connection of waiting) {
      if (resumed.size >= this.#shares.leftFor(prefix)) return
      waiting.delete(connection)
      if (connection.stage === 'closed') continue
      resumed.add(connection)
      this.#backPressure.resume(connection, 'turn')
    }
  }
}

function createWaiting(): Waiting {
  return { unserved: new Set(), served: new Set(), resumed: new Set() }
}
