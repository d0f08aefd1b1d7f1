import { createWeatherActor } from '../../simulators/actors/weather-actor.ts'
import { randomOf } from '../../simulators/models/chance.ts'
import { createHeatWorld } from '../heat-world.ts'
import { createMeter } from '../meter.ts'
import { METERS, PLANTS } from '../testbed/heat.ts'
import { WEATHER_STATIONS } from '../testbed/weather.ts'
import type { HistoryOptions, Line } from './line.ts'

export const HEAT_DAYS = 35
const HOUR_MS = 3_600_000

/** Hourly registers of all meters, and the weather they followed, hour by hour. */
export function* heatHistory({ seed, endMs, isKnown }: HistoryOptions): Generator<Line> {
  const lastMs = Math.floor(endMs / HOUR_MS) * HOUR_MS
  const firstMs = lastMs - HEAT_DAYS * 24 * HOUR_MS
  const world = createHeatWorld({ plants: PLANTS, seed, timezone: 'Europe/Copenhagen' })
  const nextSeq = () => null
  const meters = METERS.map((meter) => ({
    meter: createMeter(meter, { seed, world, shown: null, nextSeq }),
    resetMs: meter.resetBeforeEndMs === null ? null : lastMs - meter.resetBeforeEndMs,
  }))
  const stations = WEATHER_STATIONS.map(({ tenant, id }) => {
    const device = `${tenant}.${id}`
    const random = randomOf(seed, device)
    const outdoorC = (atMs: number) => world.outdoorC(atMs)
    return createWeatherActor({ device, everyMs: HOUR_MS, outdoorC, random, nextSeq })
  })
  // One plant feeds them all: the history is made for all of them or for none.
  if (meters.every(({ meter }) => isKnown(meter.device))) return
  for (let atMs = firstMs; atMs <= lastMs; atMs += HOUR_MS) {
    for (const { meter, resetMs } of meters) {
      if (atMs === resetMs) meter.reset()
      yield { device: meter.device, atMs, ...meter.read(atMs, HOUR_MS) }
    }
    for (const station of stations) {
      const { outgoing } = station.act(atMs, HOUR_MS)
      for (const message of outgoing) yield { device: station.device, atMs, ...message }
    }
  }
}
