import { isPlatformError } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Kind } from '#lib/telemetry/catalogue.ts'
import { fullId, shortIdOf, type FullId } from '#lib/telemetry/ids.ts'
import type { Device, Registry } from './registry.ts'

/** A device that a gateway has named and that is not registered. */
export interface WantedSubDevice {
  readonly gateway: FullId
  /** Short id: the device will be `<tenant of the gateway>.<id>`. */
  readonly id: string
  readonly kind: Kind
  readonly format: string
}

/** With `createSubDevices: true`; a number in its place is another limit. */
const DEFAULT_MAX = 1000

/** A device says in its settings which gateway of its tenant carries it. */
export function isCarriedBy({ tenant, settings }: Device, gateway: Device): boolean {
  return (
    gateway.gateway && tenant === gateway.tenant && settings['gateway'] === shortIdOf(gateway.id)
  )
}

/** How many sub-devices a gateway may create by naming them; 0: none. */
export function maxSubDevices({ gateway, settings }: Device): number {
  const { createSubDevices } = settings
  if (!gateway || createSubDevices === undefined || createSubDevices === false) return 0
  return typeof createSubDevices === 'number' ? createSubDevices : DEFAULT_MAX
}

/**
 * Registers those that their gateways may create, and leaves the others out: the registry then shows
 * which there are. Throws only when the registry cannot be written.
 */
export function createSubDevices(
  { devices }: Pick<Registry, 'devices'>,
  wanted: readonly WantedSubDevice[],
  log: Log,
): void {
  for (const [gatewayId, ofGateway] of Map.groupBy(wanted, ({ gateway }) => gateway)) {
    const gateway = devices.get(gatewayId)
    if (!gateway) continue
    const max = maxSubDevices(gateway)
    let carried = devices.list().filter((device) => isCarriedBy(device, gateway)).length
    for (const { id, kind, format } of ofGateway) {
      if (devices.get(fullId(gateway.tenant, id))) continue
      if (carried >= max) {
        log.warn({ gateway: gatewayId, max }, 'the gateway may create no more sub-devices')
        break
      }
      if (create({ gateway, id, kind, format })) carried += 1
    }
  }

  function create({
    gateway,
    id,
    kind,
    format,
  }: Omit<WantedSubDevice, 'gateway'> & { readonly gateway: Device }): boolean {
    const { tenant } = gateway
    try {
      devices.create({ id, tenant, kind, format, settings: { gateway: shortIdOf(gateway.id) } })
      return true
    } catch (error) {
      // Another process was faster, or the id is not valid: its messages are rejected and kept.
      const refused = ['REGISTRY_CONFLICT', 'REGISTRY_INVALID'] as const
      if (!refused.some((code) => isPlatformError(error, code))) throw error
      log.warn({ err: error, gateway: gateway.id }, 'a sub-device cannot be created')
      return false
    }
  }
}
