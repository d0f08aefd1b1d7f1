import type { Device, Devices, Registry } from '#lib/registry/registry.ts'
import type { FullId } from '#lib/telemetry/ids.ts'

/** What the listener asks of the registry. */
export interface TrackerRegistry {
  readonly devices: Pick<Devices, 'list'>
  readonly onChange: Registry['onChange']
}

/** Whose an IMEI is: one device, or why it is nobody's. */
export type TrackerOwner =
  | { readonly device: FullId }
  | { readonly reason: 'unknown_imei' | 'ambiguous_imei'; readonly text: string }

export interface Trackers {
  ownerOf(imei: string): TrackerOwner
  /** Runs when devices have changed, and what `ownerOf` says with them. */
  onChange(listener: () => void): void
}

const FORMAT = 'teltonika-codec8'

/** Trackers sign in with nothing but their IMEI: the setting `imei` of a device says whose it is. */
export function createTrackers(registry: TrackerRegistry): Trackers {
  const listeners: (() => void)[] = []
  let owners: ReadonlyMap<string, readonly FullId[]> | null = null
  registry.onChange(({ table }) => {
    if (table !== 'devices' && table !== 'tenants') return
    owners = null
    for (const listener of listeners) listener()
  })

  return {
    ownerOf(imei) {
      owners ??= byImei(registry.devices.list())
      const [device, rival] = owners.get(imei) ?? []
      if (device !== undefined && rival === undefined) return { device }
      if (rival !== undefined) {
        const text = `the devices ${device} and ${rival} have this IMEI: take it from all but one`
        return { reason: 'ambiguous_imei', text }
      }
      const text =
        `no device of format ${FORMAT} has this IMEI: register one with ` +
        `"settings":{"imei":"${imei}"}`
      return { reason: 'unknown_imei', text }
    },
    onChange: (listener) => void listeners.push(listener),
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
