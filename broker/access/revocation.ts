import type { Registry, RegistryChange } from '#lib/registry/registry.ts'
import { nativeTopic } from '#lib/telemetry/topics.ts'
import { expiryOf } from './authenticate.ts'
import type { Clients } from '../connections/clients.ts'
import type { Connection } from '../connections/connection.ts'
import type { Refusals } from './refusals.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { prefixOf } from './tenant-topics.ts'

export interface RevocationDeps {
  readonly registry: Registry
  readonly clients: Clients
  readonly sessions: Sessions
  readonly refusals: Refusals
  readonly nowMs: () => number
}

/** Credentials end by themselves; how often that is looked at. */
const CHECK_MS = 1000

/**
 * Ends connections whose right to be here has ended: at once when the registry says so, within a
 * second when a credential runs out. Which of its credentials a device used is not known, so all
 * connections of the device go; one with a valid credential comes straight back.
 */
export function watchRevocations(deps: RevocationDeps): { close(): void } {
  const { registry, clients, sessions, refusals, nowMs } = deps
  let credentialsChanged = false
  let closed = false
  const timer = setInterval(endExpired, CHECK_MS).unref()
  registry.onChange((change) => {
    if (closed) return
    if (change.table === 'credentials') credentialsChanged = true
    if (change.affects) endAffected(change, change.affects)
  })

  return {
    close() {
      closed = true
      clearInterval(timer)
    },
  }

  function endAffected(change: RegistryChange, affects: NonNullable<RegistryChange['affects']>) {
    for (const connection of clients.all) {
      if (isAffected(connection, change, affects)) {
        end(connection, `its ${change.table.slice(0, -1)} was changed or deleted in the registry`)
      }
    }
    forget(change, affects.tenant)
  }

  /** What a deleted device or tenant left behind must not meet the next one of that name. */
  function forget({ table, id }: RegistryChange, tenant: string): void {
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
    }
  }

  function endExpired(): void {
    const atMs = nowMs()
    const readAgain = credentialsChanged
    credentialsChanged = false
    for (const connection of clients.all) {
      const { account, expiresAtMs } = connection
      if (expiresAtMs <= atMs) end(connection, 'a credential of its device has run out')
      else if (readAgain && account) connection.expiresAtMs = expiryOf(registry, account, atMs)
    }
  }

  function end(connection: Connection, why: string): void {
    refusals.close(connection, 'revoked', `disconnected: ${why}`)
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
