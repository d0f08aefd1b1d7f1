import type { Connection, ReceivedIds } from '../connections/connection.ts'

/** QoS 2 ids that outlive a connection: a persistent session may go on with PUBREL on its next one. */
export interface ReceivedIdsOfSessions {
  /** Gives a connection that is ready the ids of its session. */
  attach(connection: Connection): void
  /** Lets go of ids that nothing waits for any more. */
  detach(connection: Connection): void
}

/** Sessions that left QoS 2 messages unfinished; the oldest goes. */
const MOST_SESSIONS = 10_000

export function createReceivedIds(connected: ReadonlySet<string>): ReceivedIdsOfSessions {
  const sessions = new Map<string, ReceivedIds>()

  return {
    attach(connection) {
      const { id, clean } = connection.client
      const known = sessions.get(id)
      if (clean) {
        sessions.delete(id)
        return
      }
      connection.receivedIds = known ?? new Map()
      sessions.delete(id)
      sessions.set(id, connection.receivedIds)
    },
    detach({ client: { id }, receivedIds }) {
      if (receivedIds?.size === 0 && sessions.get(id) === receivedIds && !connected.has(id)) {
        sessions.delete(id)
      }
      for (const oldest of sessions.keys()) {
        if (sessions.size <= MOST_SESSIONS) break
        if (!connected.has(oldest)) sessions.delete(oldest)
      }
    },
  }
}
