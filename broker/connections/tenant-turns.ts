import type { BackPressure } from './back-pressure.ts'
import type { Connection } from './connection.ts'

/** Messages of one tenant, and of one of its connections, that are taken in one turn of the loop. */
export const MESSAGES_PER_TURN = { ofTenant: 500, ofConnection: 64 } as const

/**
 * Shares each turn of the event loop among tenants: a flood of one, over however many connections,
 * lets the messages of another one pass in the next turn. Connections that got nothing come first then.
 */
export class TenantTurns {
  readonly #backPressure: BackPressure
  readonly #takenBy = new Map<string, number>()
  readonly #takenOn = new Map<Connection, number>()
  #waiting = new Set<Connection>()
  #isScheduled = false

  constructor(backPressure: BackPressure) {
    this.#backPressure = backPressure
  }

  /** False: not in this turn; the connection is paused until the next one. */
  take(connection: Connection): boolean {
    const { prefix } = connection
    const ofTenant = this.#takenBy.get(prefix) ?? 0
    const ofConnection = this.#takenOn.get(connection) ?? 0
    this.#schedule()
    if (ofTenant >= MESSAGES_PER_TURN.ofTenant || ofConnection >= MESSAGES_PER_TURN.ofConnection) {
      this.#waiting.add(connection)
      this.#backPressure.pause(connection, 'turn')
      return false
    }
    this.#takenBy.set(prefix, ofTenant + 1)
    this.#takenOn.set(connection, ofConnection + 1)
    return true
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#next())
  }

  #next(): void {
    this.#isScheduled = false
    const waiting = [...this.#waiting]
    const taken = (connection: Connection) => this.#takenOn.get(connection) ?? 0
    for (const connection of waiting.toSorted((a, b) => taken(a) - taken(b))) {
      this.#backPressure.resume(connection, 'turn')
    }
    this.#waiting.clear()
    this.#takenBy.clear()
    this.#takenOn.clear()
  }
}
