import type { Device, Registry } from '#lib/registry/registry.ts'
import { fullId, tenantOf, type FullId } from '#lib/telemetry/ids.ts'
import { ACCESS, seesTenant, visibleTenants, type Caller } from '#lib/access/policy.ts'
import type { Pseudonyms } from './pseudonyms.ts'

/** Names of devices and tenants as one caller sees them, and what such a name refers to. */
export interface Names {
  device(id: FullId): string
  tenant(id: string): string
  /** A topic or channel. */
  channel(name: string): string
  /** A registered device the caller may see, by the name he knows; null for any other. */
  findDevice(name: string): Device | null
  /** The id of a registered tenant the caller may see; null for any other. */
  findTenant(name: string): string | null
  /** Every registered device the caller may see. */
  devices(): readonly Device[]
}

export function namesFor(
  caller: Caller,
  { registry, pseudonyms }: { readonly registry: Registry; readonly pseudonyms: Pseudonyms },
): Names {
  const { deviceKinds, pseudonymised } = ACCESS[caller.key.role]
  const own = visibleTenants(caller)?.[0]
  const isVisible = ({ tenant, kind }: Device) =>
    seesTenant(caller, tenant) &&
    (deviceKinds === null || (kind !== 'gateway' && deviceKinds.includes(kind)))

  return {
    device: (id) => (pseudonymised ? pseudonyms.deviceName(id) : id),
    tenant: (id) => (pseudonymised ? pseudonyms.tenantName(id) : id),
    channel: (name) => (pseudonymised ? pseudonyms.channelName(name) : name),
    findDevice(name) {
      const id = idOf(name)
      const device = id === null ? null : registry.devices.get(id)
      return device && isVisible(device) ? device : null
    },
    findTenant(name) {
      const id = pseudonymised ? pseudonyms.tenantOf(name) : name
      return id !== null && registry.tenants.get(id) && seesTenant(caller, id) ? id : null
    },
    devices: () => registry.devices.list().filter(isVisible),
  }

  /** With a tenant's own key the short id is enough. */
  function idOf(name: string): FullId | null {
    if (pseudonymised) return pseudonyms.deviceOf(name)
    return own !== undefined && !name.includes('.') ? fullId(own, name) : name
  }
}

/** The tenant part of a device as the caller may know it. */
export function tenantNameOf(names: Names, device: FullId): string {
  return names.tenant(tenantOf(device))
}
