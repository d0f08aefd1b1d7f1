import type { Device } from '#lib/registry/registry.ts'
import type { Point } from '#lib/store/influx/write/line.ts'
import { startOf, type Context, type DerivedSeries } from './series.ts'

/**
 * What the registry says of a device, as tags: the lists that a board offers to choose from. Twice a
 * day, since servers that answer `SHOW TAG VALUES` for the last 24 h would forget it.
 */
export const deviceInfo: DerivedSeries = {
  measurement: 'device_info',
  keep: 'minute',
  sample: { everyMs: 12 * 3_600_000, onRegistryChange: true, create: () => infoPoints },
}

/** Settings of a meter that boards choose by. */
const METER_TAGS = ['town', 'dataCentre', 'heatNetwork', 'role'] as const

async function infoPoints(nowNs: bigint, { devices }: Context): Promise<readonly Point[]> {
  return devices().map((device) => {
    const { id, tenant, kind, site } = device
    return {
      measurement: deviceInfo.measurement,
      tags: { tenant, device: id, kind, site: site ?? '', ...meterTags(device) },
      fields: { one: 1n },
      timeNs: startOf(nowNs, 'hour'),
    }
  })
}

function meterTags({ settings }: Device): Record<string, string> {
  return Object.fromEntries(
    METER_TAGS.map((name) => {
      const value = settings[name]
      return [name, typeof value === 'string' ? value : '']
    }),
  )
}
