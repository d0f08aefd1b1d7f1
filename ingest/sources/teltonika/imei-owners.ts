import type { Device, Devices, Registry } from '#lib/registry/registry.ts'
import type { FullId } from '#lib/telemetry/ids.ts'

/** What the listener needs of the registry. */
export interface TrackerRegistry {
  readonly devices: Pick<Devices, 'list'>
  readonly onChange: Registry['onChange']
}

/** The device that has an IMEI, or why there is none. */
export type ImeiOwner =
  | { readonly device: FullId }
  | { readonly reason: 'unknown_imei' | 'ambiguous_imei'; readonly text: string }

const FORMAT = 'teltonika-codec8'

/** Trackers sign in with nothing but their IMEI: the setting `imei` of a device names its owner. */
export class ImeiOwners {
  readonly #registry: TrackerRegistry
  #devices: ReadonlyMap<string, readonly FullId[]> | null = null

  /** `onChange` is called when devices, and with them owners, have changed. */
  constructor(registry: TrackerRegistry, onChange: () => void) {
    this.#registry = registry
    registry.onChange(({ table }) => {
      if (table !== 'devices' && table !== 'tenants') return
      this.#devices = null
      onChange()
    })
  }

  ownerOf(imei: string): ImeiOwner {
    this.#devices ??= byImei(this.#registry.devices.list())
    const [device, rival] = this.#devices.get(imei) ?? []
    if (device !== undefined && rival === undefined) return { device }
    if (rival !== undefined) {
      const text = `the devices ${device} and ${rival} have this IMEI: remove it from all but one`
      return { reason: 'ambiguous_imei', text }
    }
    const text =
      `no device of format ${FORMAT} has this IMEI: register one with ` +
      `"settings":{"imei":"${imei}"}`
    return { reason: 'unknown_imei', text }
  }
}

function byImei(devices: readonly Device[]): ReadonlyMap<string, readonly FullId[]> {
  const owners = new Map<string, FullId[]>()
  for (const { id, format, settings } of devices) {
    const { imei } = settings
    if (format !== FORMAT || (typeof imei !== 'string' && typeof imei !== 'number')) continue
    const digits = String(imei).trim()
    owners.set(digits, [...(owners.get(digits) ?? []), id])
  }
  return owners
}
