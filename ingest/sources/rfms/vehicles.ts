import type { Device, Devices, Registry } from '#lib/registry/registry.ts'
import type { FullId } from '#lib/telemetry/ids.ts'

/** What the poller asks of the registry. */
export interface VehicleRegistry {
  readonly devices: Pick<Devices, 'list'>
  readonly onChange: Registry['onChange']
}

export interface Vehicles {
  /** Null: no device of the tenant, or more than one, has this VIN. */
  deviceOf(vin: string): FullId | null
}

/** The devices of a tenant with format `rfms`, by their setting `vin`. */
export function createVehicles(registry: VehicleRegistry, tenant: string): Vehicles {
  let devices: ReadonlyMap<string, FullId | null> | null = null
  registry.onChange(({ table }) => {
    if (table === 'devices' || table === 'tenants') devices = null
  })
  return {
    deviceOf(vin) {
      devices ??= byVin(registry.devices.list(), tenant)
      return devices.get(vin) ?? null
    },
  }
}

function byVin(all: readonly Device[], wanted: string): ReadonlyMap<string, FullId | null> {
  const found = new Map<string, FullId | null>()
  for (const { id, tenant, format, settings } of all) {
    const { vin } = settings
    if (tenant !== wanted || format !== 'rfms' || typeof vin !== 'string') continue
    const key = vin.trim().toUpperCase()
    found.set(key, found.has(key) ? null : id)
  }
  return found
}
