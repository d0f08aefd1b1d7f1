import type { Device, Devices, Registry } from '#lib/registry/registry.ts'
import type { FullId } from '#lib/telemetry/ids.ts'

/** What the poller needs of the registry. */
export interface VehicleRegistry {
  readonly devices: Pick<Devices, 'list'>
  readonly onChange: Registry['onChange']
}

/** The devices of a tenant with format `rfms`, by their setting `vin`. */
export class Vehicles {
  readonly #registry: VehicleRegistry
  readonly #tenant: string
  #byVin: ReadonlyMap<string, FullId | null> | null = null

  constructor(registry: VehicleRegistry, tenant: string) {
    this.#registry = registry
    this.#tenant = tenant
    registry.onChange(({ table }) => {
      if (table === 'devices' || table === 'tenants') this.#byVin = null
    })
  }

  /** Null: no device of the tenant, or more than one, has this VIN. */
  deviceOf(vin: string): FullId | null {
    this.#byVin ??= devicesByVin(this.#registry.devices.list(), this.#tenant)
    return this.#byVin.get(vin) ?? null
  }
}

function devicesByVin(
  devices: readonly Device[],
  wanted: string,
): ReadonlyMap<string, FullId | null> {
  const found = new Map<string, FullId | null>()
  for (const { id, tenant, format, settings } of devices) {
    const { vin } = settings
    if (tenant !== wanted || format !== 'rfms' || typeof vin !== 'string') continue
    const key = vin.trim().toUpperCase()
    found.set(key, found.has(key) ? null : id)
  }
  return found
}
