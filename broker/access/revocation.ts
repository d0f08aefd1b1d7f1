import type { Registry, RegistryChange } from '#lib/registry/registry.ts'
import { nativeTopic } from '#lib/telemetry/topics.ts'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { expiryOf } from './credential-expiry.ts'
import type { Refusals } from './refusals.ts'
import { prefixOf } from './tenant-topics.ts'

export interface RevocationDeps {
  readonly registry: Registry
  readonly connections: Connections
  readonly sessions: Sessions
  readonly refusals: Refusals
  readonly nowMs: () => number
}

/** How often credentials that have expired are looked for. */
const CHECK_MS = 1000
/** Connections that are looked at in one turn of the event loop. */
const CHECKS_PER_TURN = 500

/**
 * Ends connections that are no longer allowed: at once when the registry changes, within a second
 * when a credential expires. Which of its credentials a device used is not known, so all connections
 * of the device are closed; one with a valid credential connects again.
 */
export class Revocation {
  readonly #deps: RevocationDeps
  readonly #timer: NodeJS.Timeout
  #credentialsChanged = false
  /** The connections that this round has not looked at; null between two rounds. */
  #round: Iterator<Connection> | null = null
  #closed = false

  constructor(deps: RevocationDeps) {
    this.#deps = deps
    this.#timer = setInterval(() => this.#endExpired(), CHECK_MS).unref()
    deps.registry.onChange((change) => this.#changed(change))
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
  }

  #changed(change: RegistryChange): void {
    if (this.#closed) return
    const { table, affects } = change
    if (table === 'credentials') this.#credentialsChanged = true
    if (!affects) return
    for (const connection of this.#deps.connections.all) {
      if (!isAffected(connection, change, affects)) continue
      this.#end(connection, `its ${table.slice(0, -1)} was changed or deleted in the registry`)
    }
    this.#forget(change, affects.tenant)
  }

  /** What a deleted device or tenant left must not reach the next one of that name. */
  #forget({ table, id }: RegistryChange, tenant: string): void {
    const { registry, sessions } = this.#deps
    if (id === null) return
    if (table === 'tenants' && !registry.tenants.get(id)) {
      sessions.forgetClients(`${id}.`)
      sessions.forgetClients(`${id}#`)
      sessions.forgetRetained(prefixOf(id))
    }
    if (table === 'keys') sessions.forgetClients(`${tenant}#${id}/`)
    if (table === 'devices' && !registry.devices.get(id)) {
      sessions.forgetClients(`${id}/`)
      sessions.forgetRetained(`${prefixOf(tenant)}${nativeTopic(id, '')}`)
      sessions.forgetDevice(id, tenant)
    }
  }

  #endExpired(): void {
    // A slow round is not overtaken by the next one.
    if (this.#round) return
    const readAgain = this.#credentialsChanged
    this.#credentialsChanged = false
    this.#round = this.#deps.connections.all.values()
    this.#checkSome(readAgain)
  }

  #checkSome(readAgain: boolean): void {
    const { registry, nowMs } = this.#deps
    const atMs = nowMs()
    for (let n = 0; n < CHECKS_PER_TURN && !this.#closed; n += 1) {
      const next = this.#round?.next()
      if (!next || next.done) {
        this.#round = null
        return
      }
      const connection = next.value
      const { account, expiresAtMs } = connection
      if (expiresAtMs <= atMs) this.#end(connection, 'a credential of its device has expired')
      else if (readAgain && account) connection.expiresAtMs = expiryOf(registry, account, atMs)
    }
    if (!this.#closed) setImmediate(() => this.#checkSome(readAgain))
  }

  #end(connection: Connection, why: string): void {
    this.#deps.refusals.close(connection, 'revoked', `disconnected: ${why}`)
  }
}

function isAffected(
  { account }: Connection,
  { table, id }: RegistryChange,
  { tenant, device }: NonNullable<RegistryChange['affects']>,
): boolean {
  if (account?.tenant !== tenant) return false
  if (table === 'keys') return account.type === 'application' && account.id === id
  return device === null || account.id === device
}
