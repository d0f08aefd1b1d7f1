import { PUBCOMP, PUBREC } from '#lib/mqtt/packet-types.ts'
import type { Refusals } from '../access/refusals.ts'
import type { Acks } from '../connections/acks.ts'
import { accountOf } from '../connections/connections.ts'
import type { Connection, ReceivedIds, UnfinishedMessage } from '../connections/connection.ts'

/** QoS 2 messages of one client that wait for their PUBREL. */
const MAX_UNRELEASED = 1000
/** Sessions of one account that left QoS 2 messages unfinished; above it the oldest goes. */
export const MAX_UNFINISHED_SESSIONS = 64

/**
 * The message ids of QoS 2 ([MQTT-4.3.3]). They outlive a connection: a persistent session may go
 * on with PUBREL on its next one.
 */
export class Qos2Messages {
  readonly #acks: Acks
  readonly #refusals: Refusals
  readonly #connectedIds: ReadonlySet<string>
  /** By account, then by scoped client id. */
  readonly #accounts = new Map<string, Map<string, ReceivedIds>>()

  constructor(acks: Acks, refusals: Refusals, connectedIds: ReadonlySet<string>) {
    this.#acks = acks
    this.#refusals = refusals
    this.#connectedIds = connectedIds
  }

  /** [MQTT-4.3.3-2]: a known message is acknowledged again and not taken again. */
  isKnown(connection: Connection, messageId: number): boolean {
    const ids = (connection.receivedIds ??= new Map())
    const unfinished = ids.get(messageId)
    if (unfinished === null) this.#acks.add(connection, PUBREC, messageId)
    else if (unfinished) unfinished.connection = connection
    else if (ids.size < MAX_UNRELEASED) return false
    else {
      this.#refusals.close(
        connection,
        'qos2_window',
        `expected PUBREL for some of ${MAX_UNRELEASED} messages of QoS 2, got one more message; ` +
          'correct the client',
      )
    }
    return true
  }

  /** A message is on its way to the journal. */
  begin(message: UnfinishedMessage, messageId: number): void {
    message.connection.receivedIds?.set(messageId, message)
  }

  /** The message is durable; the client may have come back on another connection meanwhile. */
  acknowledge(connection: Connection, messageId: number): void {
    connection.receivedIds?.set(messageId, null)
    this.#acks.add(connection, PUBREC, messageId)
  }

  release(connection: Connection, messageId: number): void {
    connection.receivedIds?.delete(messageId)
    this.#acks.add(connection, PUBCOMP, messageId)
  }

  /** Gives a connection that is ready the ids of its session. */
  attach(connection: Connection): void {
    const { id, clean } = connection.client
    const account = accountOf(id)
    const sessions = this.#accounts.get(account) ?? new Map<string, ReceivedIds>()
    const known = sessions.get(id)
    sessions.delete(id)
    if (!clean) {
      connection.receivedIds = known ?? new Map()
      sessions.set(id, connection.receivedIds)
    }
    this.#keep(account, sessions)
  }

  /** Whether a session has messages that wait for their PUBREL. */
  isUnfinished(id: string): boolean {
    return (this.#accounts.get(accountOf(id))?.get(id)?.size ?? 0) > 0
  }

  /** Forgets ids that nothing waits for any more. */
  detach({ client: { id }, receivedIds }: Connection): void {
    // Without an id: it has not sent its CONNECT.
    const account = id ? accountOf(id) : ''
    const sessions = this.#accounts.get(account)
    if (!sessions) return
    const isFinished = receivedIds?.size === 0 && sessions.get(id) === receivedIds
    if (isFinished && !this.#connectedIds.has(id)) sessions.delete(id)
    for (const oldest of sessions.keys()) {
      if (sessions.size <= MAX_UNFINISHED_SESSIONS) break
      if (!this.#connectedIds.has(oldest)) sessions.delete(oldest)
    }
    this.#keep(account, sessions)
  }

  #keep(account: string, sessions: Map<string, ReceivedIds>): void {
    if (sessions.size > 0) this.#accounts.set(account, sessions)
    else this.#accounts.delete(account)
  }
}
