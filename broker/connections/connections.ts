import type { Connection } from './connection.ts'

export interface ConnectionLimits {
  readonly all: number
  readonly ofTenant: number
  readonly ofAccount: number
}

export interface ConnectionLimit {
  readonly most: number
  readonly of: 'account' | 'tenant' | 'platform'
  readonly setting: string
}

/** The open connections, found by what Aedes knows: a client or a scoped client id. */
export class Connections {
  readonly all = new Set<Connection>()
  readonly #ids = new Set<string>()
  /** Clients that have signed in, of a tenant and of an account. */
  readonly #ofTenant = new Map<string, number>()
  readonly #ofAccount = new Map<string, number>()
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

  /** Scoped ids of the clients that have signed in. */
  get ids(): ReadonlySet<string> {
    return this.#ids
  }

  signedIn(id: string): void {
    if (this.#ids.has(id)) return
    this.#ids.add(id)
    this.#count(id, 1)
  }

  signedOut(id: string): void {
    if (this.#ids.delete(id)) this.#count(id, -1)
  }

  /** Which limit one more client with this scoped id would break; null: none, or it takes over. */
  limitFor(id: string, { all, ofTenant, ofAccount }: ConnectionLimits): ConnectionLimit | null {
    if (this.#ids.has(id)) return null
    const account = accountOf(id)
    if ((this.#ofAccount.get(account) ?? 0) >= ofAccount) {
      return { most: ofAccount, of: 'account', setting: 'PADBORG_MQTT_MAX_CONNECTIONS_PER_ACCOUNT' }
    }
    if ((this.#ofTenant.get(tenantOf(account)) ?? 0) >= ofTenant) {
      return { most: ofTenant, of: 'tenant', setting: 'PADBORG_MQTT_MAX_CONNECTIONS_PER_TENANT' }
    }
    return this.#ids.size < all
      ? null
      : { most: all, of: 'platform', setting: 'PADBORG_MQTT_MAX_CONNECTIONS' }
  }

  #count(id: string, more: 1 | -1): void {
    const account = accountOf(id)
    add(this.#ofAccount, account, more)
    add(this.#ofTenant, tenantOf(account), more)
  }
}

function add(counts: Map<string, number>, key: string, more: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + more
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}

/** A scoped id is that of an account, `/` and the client id (`authenticate.ts`). */
export function accountOf(id: string): string {
  return id.slice(0, id.indexOf('/'))
}

/** `acme.t1` is a device, `acme#key` an application; no id of a tenant holds `.` or `#`. */
function tenantOf(account: string): string {
  return account.slice(0, account.search(/[.#]/))
}
