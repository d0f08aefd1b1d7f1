import { PUBCOMP, PUBREC } from '#lib/mqtt/packet-types.ts'
import type { Refusals } from '../access/refusals.ts'
import type { Acks } from '../connections/acks.ts'
import type { Connection, ReceivedIds, UnfinishedMessage } from '../connections/connection.ts'

/** QoS 2 messages of one client that wait for their PUBREL. */
const MAX_UNRELEASED = 1000
/** Sessions that left QoS 2 messages unfinished; above it the oldest goes. */
const MAX_SESSIONS = 10_000

/**
 * The message ids of QoS 2 ([MQTT-4.3.3]). They outlive a connection: a persistent session may go
 * on with PUBREL on its next one.
 */
export class Qos2Messages {
  readonly #acks: Acks
  readonly #refusals: Refusals
  readonly #connectedIds: ReadonlySet<string>
  readonly #sessions = new Map<string, ReceivedIds>()

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
    const known = this.#sessions.get(id)
    this.#sessions.delete(id)
    if (clean) return
    connection.receivedIds = known ?? new Map()
    this.#sessions.set(id, connection.receivedIds)
  }

  /** Forgets ids that nothing waits for any more. */
  detach({ client: { id }, receivedIds }: Connection): void {
    const isFinished = receivedIds?.size === 0 && this.#sessions.get(id) === receivedIds
    if (isFinished && !this.#connectedIds.has(id)) this.#sessions.delete(id)
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MAX_SESSIONS) break
      if (!this.#connectedIds.has(oldest)) this.#sessions.delete(oldest)
    }
  }
}
