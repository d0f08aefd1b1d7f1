import { createHmac } from 'node:crypto'
import { PSEUDONYM_HEX_DIGITS, channelPseudonym } from '#lib/runtime/channel-pseudonym.ts'
import type { Registry } from '#lib/registry/registry.ts'
import type { FullId } from '#lib/telemetry/ids.ts'

/** Names kept in memory at most; beyond that they are computed again. */
const REMEMBERED = 100_000

/** Stable names for those who may compare devices and tenants, but not know whose they are. */
export interface Pseudonyms {
  deviceName(id: FullId): string
  tenantName(id: string): string
  channelName(name: string): string
  /** What the names of channels are made with, for files that are written elsewhere. */
  readonly channelSalt: string
  /** The registered device or tenant with a name; null when there is none. */
  deviceOf(name: string): FullId | null
  tenantOf(name: string): string | null
}

export function createPseudonyms(
  registry: Pick<Registry, 'devices' | 'tenants' | 'onChange'>,
  secret: string,
): Pseudonyms {
  const names = new Map<string, string>()
  const channelSalt = createHmac('sha256', secret).update('channels').digest('hex')
  let devices: Map<string, FullId> | null = null
  registry.onChange(({ table }) => {
    if (table === 'devices' || table === 'tenants') devices = null
  })

  return {
    deviceName,
    tenantName,
    channelName: (name) => remembered(`channel:${name}`, () => channelPseudonym(channelSalt, name)),
    channelSalt,
    deviceOf(name) {
      devices ??= new Map(registry.devices.list().map(({ id }) => [deviceName(id), id]))
      return devices.get(name) ?? null
    },
    tenantOf: (name) =>
      registry.tenants.list().find(({ id }) => tenantName(id) === name)?.id ?? null,
  }

  function deviceName(id: FullId): string {
    return nameOf('device', id)
  }

  function tenantName(id: string): string {
    return nameOf('tenant', id)
  }

  function nameOf(what: 'device' | 'tenant', id: string): string {
    const text = `${what}:${id}`
    return remembered(text, () => {
      const digest = createHmac('sha256', secret).update(text).digest('hex')
      return `${what}-${digest.slice(0, PSEUDONYM_HEX_DIGITS)}`
    })
  }

  function remembered(text: string, make: () => string): string {
    const known = names.get(text)
    if (known) return known
    if (names.size >= REMEMBERED) names.clear()
    const name = make()
    names.set(text, name)
    return name
  }
}
