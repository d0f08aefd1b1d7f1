import type { Connection } from './connection.ts'

/** Who is connected: found by what Aedes knows, a client or a scoped client id. */
export interface Clients {
  add(connection: Connection): void
  remove(connection: Connection): void
  /** Undefined for what Aedes does on its own behalf. */
  of(client: object | null): Connection | undefined
  readonly all: ReadonlySet<Connection>
  /** Scoped ids of the clients that have signed in. */
  readonly ids: Set<string>
}

export function createClients(): Clients {
  const all = new Set<Connection>()
  const byClient = new WeakMap<object, Connection>()
  return {
    add(connection) {
      all.add(connection)
      byClient.set(connection.client, connection)
    },
    remove(connection) {
      all.delete(connection)
    },
    of: (client) => (client ? byClient.get(client) : undefined),
    all,
    ids: new Set(),
  }
}
