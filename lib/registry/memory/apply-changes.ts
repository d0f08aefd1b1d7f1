import { tenantOf } from '#lib/telemetry/ids.ts'
import { revocationOf } from '../entries/keys.ts'
import {
  forget,
  forgetKey,
  remember,
  rememberKey,
  type Entries,
  type Memory,
  type StoredCredential,
} from './memory.ts'
import type { Device, RegistryChange } from '../registry.ts'

/**
 * Applies to memory what another process has written. Returns the changes that the other process
 * reported to its own listeners; removed entries come first.
 */
export function applyChanges(memory: Memory, fresh: Memory, atMs: number): RegistryChange[] {
  const keys = differences(memory.keys, fresh.keys)
  const sites = differences(memory.sites, fresh.sites)
  const tenants = differences(memory.tenants, fresh.tenants)
  const devices = differences(memory.devices, fresh.devices)
  const credentials = credentialChanges(memory, fresh, atMs)

  for (const key of keys.removed) forgetKey(memory, key)
  for (const device of devices.removed) forget(memory, device)
  for (const { id } of sites.removed) memory.sites.delete(id)
  for (const { id } of tenants.removed) {
    memory.tenants.delete(id)
    memory.topics.delete(id)
  }
  for (const tenant of tenants.added) memory.tenants.set(tenant.id, tenant)
  for (const site of sites.added) memory.sites.set(site.id, site)
  for (const device of devices.added) remember(memory, device)
  for (const key of keys.added) rememberKey(memory, key)
  replaceAll(memory.secrets, fresh.secrets)
  replaceAll(memory.credentials, fresh.credentials)

  return [
    ...keys.removed.map(revocationOf),
    ...devices.removed.map(removalOf),
    ...sites.removed.map(({ id }) => changeOf('sites', id)),
    ...tenants.removed.map(({ id }) => ({
      ...changeOf('tenants', id),
      affects: { tenant: id, device: null },
    })),
    ...tenants.added.map(({ id }) => changeOf('tenants', id)),
    ...sites.added.map(({ id }) => changeOf('sites', id)),
    ...devices.added.map(({ id }) => changeOf('devices', id)),
    ...credentials,
    ...keys.added.map(({ id }) => changeOf('keys', id)),
  ]
}

/** Closes no connection. */
function changeOf(table: RegistryChange['table'], id: string): RegistryChange {
  return { table, id, affects: null }
}

function removalOf({ id, tenant }: Device): RegistryChange {
  return { table: 'devices', id, affects: { tenant, device: id } }
}

/** A changed entry counts as removed and added. */
function differences<T extends { readonly id: string }>(
  before: Entries<T>,
  after: Entries<T>,
): { readonly removed: readonly T[]; readonly added: readonly T[] } {
  const isSame = (a: T, b: T | null) => b !== null && JSON.stringify(a) === JSON.stringify(b)
  return {
    removed: before.list().filter((entry) => !isSame(entry, after.get(entry.id))),
    added: after.list().filter((entry) => !isSame(entry, before.get(entry.id))),
  }
}

/** Of devices that are still there: those of a removed device were removed with it. */
function credentialChanges(before: Memory, after: Memory, atMs: number): RegistryChange[] {
  const changes: RegistryChange[] = []
  const devices = new Set([...before.credentials.keys(), ...after.credentials.keys()])
  for (const device of devices) {
    if (!after.devices.has(device)) continue
    const was = before.credentials.get(device) ?? []
    const is = after.credentials.get(device) ?? []
    const ended = was.find((one) => isValid(one, atMs) && !isStillValid(one, is, atMs))
    const first = ended ?? is.find((one) => !hasSame(was, one))
    if (!first) continue
    const affects = ended ? { tenant: tenantOf(device), device } : null
    changes.push({ table: 'credentials', id: first.id, affects })
  }
  return changes
}

function hasSame(list: readonly StoredCredential[], { id, validToMs }: StoredCredential): boolean {
  return list.some((one) => one.id === id && one.validToMs === validToMs)
}

function isValid({ validToMs }: StoredCredential, atMs: number): boolean {
  return validToMs > atMs
}

function isStillValid(
  { id }: StoredCredential,
  list: readonly StoredCredential[],
  atMs: number,
): boolean {
  return list.some((one) => one.id === id && isValid(one, atMs))
}

function replaceAll<K, V>(map: Map<K, V>, fresh: ReadonlyMap<K, V>): void {
  map.clear()
  for (const [key, value] of fresh) map.set(key, value)
}
