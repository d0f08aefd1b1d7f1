import { overlap, type Span } from '#lib/telemetry/span.ts'
import { HOUR_NS, floorTo } from '#lib/telemetry/time-grid.ts'
import type { HeatDevice } from '../intake-state.ts'

/** A device with the settings that held over a span. */
export interface DeviceInTime {
  readonly device: HeatDevice
  readonly valid: Span
}

/**
 * The settings of a device over a span, the present ones first. Earlier ones hold up to where the
 * next begin, by the full hour, since hours are what figures are kept of. A change that reaches
 * further back than the one before it takes its place.
 */
export function settingsInTime(device: HeatDevice, span: Span): readonly DeviceInTime[] {
  const versions: DeviceInTime[] = []
  let { toNs } = span
  let { settings } = device
  for (const past of (device.past ?? []).toReversed()) {
    const fromNs = floorTo(Temporal.Instant.from(past.validTo).epochNanoseconds, HOUR_NS)
    if (fromNs < toNs) {
      const valid = overlap(span, { fromNs, toNs })
      versions.push({ device: { ...device, settings }, valid })
      toNs = fromNs
    }
    settings = past.settings
  }
  versions.push({ device: { ...device, settings }, valid: { fromNs: span.fromNs, toNs } })
  const within = versions.filter(({ valid }) => valid.fromNs < valid.toNs)
  return within.length > 0 ? within : [{ device, valid: span }]
}
