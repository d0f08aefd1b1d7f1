import { createHmac } from 'node:crypto'
import type { Registry } from '#lib/registry/registry.ts'
import type { FullId } from '#lib/telemetry/ids.ts'

/** 96 bits: no two devices of a fleet share one, and none can be guessed without the secret. */
const HEX_DIGITS = 24
/** Names remembered at most; beyond it they are computed again. */
const REMEMBERED = 100_000

/** Stable names for those who may compare devices and tenants, but not know whose they are. */
export interface Pseudonyms {
  deviceName(id: FullId): string
  tenantName(id: string): string
  /** The registered device or tenant behind a name; null when there is none. */
  deviceOf(name: string): FullId | null
  tenantOf(name: string): string | null
}

export function createPseudonyms(
  registry: Pick<Registry, 'devices' | 'tenants' | 'onChange'>,
  secret: string,
): Pseudonyms {
  const names = new Map<string, string>()
  let devices: Map<string, FullId> | null = null
  registry.onChange(({ table }) => {
    if (table === 'devices' || table === 'tenants') devices = null
  })

  return {
    deviceName,
    tenantName,
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
    const known = names.get(text)
    if (known) return known
    if (names.size >= REMEMBERED) names.clear()
    const digest = createHmac('sha256', secret).update(text).digest('hex').slice(0, HEX_DIGITS)
    const name = `${what}-${digest}`
    names.set(text, name)
    return name
  }
}
