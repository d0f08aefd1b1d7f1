import { createHeatWorld } from '../heat-world.ts'
import { createMeter } from '../meter.ts'
import { METERS, PLANTS } from '../testbed/heat.ts'
import type { HistoryOptions, Line } from './line.ts'

export const HEAT_DAYS = 35
const HOUR_MS = 3_600_000

/** Hourly registers of all meters, hour by hour. */
export function* heatHistory({ seed, endMs, isKnown }: HistoryOptions): Generator<Line> {
  const lastMs = Math.floor(endMs / HOUR_MS) * HOUR_MS
  const firstMs = lastMs - HEAT_DAYS * 24 * HOUR_MS
  const world = createHeatWorld({ plants: PLANTS, seed, timezone: 'Europe/Copenhagen' })
  const nextSeq = () => null
  const meters = METERS.map((meter) => ({
    meter: createMeter(meter, { seed, world, shown: null, nextSeq }),
    resetMs: meter.resetBeforeEndMs === null ? null : lastMs - meter.resetBeforeEndMs,
  }))
  // One plant feeds them all: the history is made for all of them or for none.
  if (meters.every(({ meter }) => isKnown(meter.device))) return
  for (let atMs = firstMs; atMs <= lastMs; atMs += HOUR_MS) {
    for (const { meter, resetMs } of meters) {
      if (atMs === resetMs) meter.reset()
      yield { device: meter.device, atMs, ...meter.read(atMs, HOUR_MS) }
    }
  }
}
