import type { Connection } from './connection.ts'

/** The open connections, found by what Aedes knows: a client or a scoped client id. */
export class Connections {
  readonly all = new Set<Connection>()
  /** Scoped ids of the clients that have signed in. */
  readonly ids = new Set<string>()
  readonly #byClient = new WeakMap<object, Connection>()

  add(connection: Connection): void {
    this.all.add(connection)
    this.#byClient.set(connection.client, connection)
  }

  remove(connection: Connection): void {
    this.all.delete(connection)
  }

  /** Undefined for what Aedes does on its own behalf. */
  of(client: object | null): Connection | undefined {
    return client ? this.#byClient.get(client) : undefined
  }
}
