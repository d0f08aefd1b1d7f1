import { tenantOf } from '#lib/telemetry/ids.ts'
import { revocationOf } from './keys.ts'
import {
  forget,
  forgetKey,
  remember,
  rememberKey,
  type Entries,
  type Memory,
  type StoredCredential,
} from './index/memory.ts'
import type { Device, RegistryChange } from './registry.ts'

/**
 * Makes memory what another process has written, and answers what that changed, in the words in
 * which that process told its own listeners. What is gone comes first.
 */
export function takeOver(memory: Memory, fresh: Memory, atMs: number): RegistryChange[] {
  const keys = differences(memory.keys, fresh.keys)
  const sites = differences(memory.sites, fresh.sites)
  const tenants = differences(memory.tenants, fresh.tenants)
  const devices = differences(memory.devices, fresh.devices)
  const credentials = credentialChanges(memory, fresh, atMs)

  for (const key of keys.gone) forgetKey(memory, key)
  for (const device of devices.gone) forget(memory, device)
  for (const { id } of sites.gone) memory.sites.delete(id)
  for (const { id } of tenants.gone) {
    memory.tenants.delete(id)
    memory.topics.delete(id)
  }
  for (const tenant of tenants.come) memory.tenants.set(tenant.id, tenant)
  for (const site of sites.come) memory.sites.set(site.id, site)
  for (const device of devices.come) remember(memory, device)
  for (const key of keys.come) rememberKey(memory, key)
  replaceAll(memory.secrets, fresh.secrets)
  replaceAll(memory.credentials, fresh.credentials)

  return [
    ...keys.gone.map(revocationOf),
    ...devices.gone.map(departure),
    ...sites.gone.map(({ id }) => quiet('sites', id)),
    ...tenants.gone.map(({ id }) => ({
      ...quiet('tenants', id),
      affects: { tenant: id, device: null },
    })),
    ...tenants.come.map(({ id }) => quiet('tenants', id)),
    ...sites.come.map(({ id }) => quiet('sites', id)),
    ...devices.come.map(({ id }) => quiet('devices', id)),
    ...credentials,
    ...keys.come.map(({ id }) => quiet('keys', id)),
  ]
}

function quiet(table: RegistryChange['table'], id: string): RegistryChange {
  return { table, id, affects: null }
}

function departure({ id, tenant }: Device): RegistryChange {
  return { table: 'devices', id, affects: { tenant, device: id } }
}

/** An entry that is another than before has gone and come. */
function differences<T extends { readonly id: string }>(
  before: Entries<T>,
  after: Entries<T>,
): { readonly gone: readonly T[]; readonly come: readonly T[] } {
  const isSame = (a: T, b: T | null) => b !== null && JSON.stringify(a) === JSON.stringify(b)
  return {
    gone: before.list().filter((entry) => !isSame(entry, after.get(entry.id))),
    come: after.list().filter((entry) => !isSame(entry, before.get(entry.id))),
  }
}

/** Of devices that are still there; those of a device that is gone went with it. */
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
