import { createSequence, type Actor } from '../../simulators/actors/actor.ts'
import { malformed, repeating, withFault } from '../../simulators/actors/faults.ts'
import { createMeterActor } from '../../simulators/actors/meter-actor.ts'
import { createProbeActor } from '../../simulators/actors/probe-actor.ts'
import { createRobotActor } from '../../simulators/actors/robot-actor.ts'
import { createTruckActor } from '../../simulators/actors/truck-actor.ts'
import { createWeatherActor } from '../../simulators/actors/weather-actor.ts'
import { randomOf } from '../../simulators/models/chance.ts'
import { nearestOn } from '../../simulators/models/route.ts'
import type { TruckStart } from '../../simulators/models/truck.ts'
import { ROBOTS } from '../devices.ts'
import { createHeatWorld, type HeatWorld } from '../heat-world.ts'
import type { LastKnown } from '../last-values.ts'
import { createMeter, type Meter } from '../meter.ts'
import { HEAT_TENANT, METERS, PLANTS } from '../testbed/heat.ts'
import { PROBES, PROBE_TENANT } from '../testbed/probes.ts'
import { RADIO_MAP } from '../testbed/radio-map.ts'
import { COURSES } from '../testbed/roads.ts'
import { MANUFACTURER, ROBOT_TENANT } from '../testbed/robots.ts'
import { TRUCKS, type TruckSeed } from '../testbed/trucks.ts'
import { WEATHER_STATIONS } from '../testbed/weather.ts'

/** A device of the testbed, ready to act. */
export interface Member {
  readonly actor: Actor
  readonly clockAheadMs: number
  readonly keepsClock: boolean
  readonly probeEveryMs: number | null
}

export interface CastOptions {
  readonly seed: number
  /** When the devices begin to act, Unix ms. */
  readonly startMs: number
  /** What the platform knows of a device; null for nothing. */
  readonly known: (device: string) => LastKnown | null
}

const TRUCK_PROBE_MS = 15_000
const PROBE_MS = 3000
const TELEGRAM_MS = 10_000
const HOUR_MS = 3_600_000
/** The wrong clock that was recorded of a robot (docs/domain.md 1.6). */
const CLOCK_AHEAD_MS = 46_280

/** Every device of the testbed, continuing from its last state in the platform. */
export function castOf(options: CastOptions): Member[] {
  const { seed } = options
  const world = createHeatWorld({ plants: PLANTS, seed, timezone: 'Europe/Copenhagen' })
  return [
    ...trucks(options),
    ...robots(options),
    ...probes(options),
    ...meters(options, world),
    ...weatherStations(options, world),
  ]
}

function trucks({ seed, known }: CastOptions): Member[] {
  return TRUCKS.map((truck): Member => {
    const device = `${truck.tenant}.${truck.id}`
    const last = known(device)
    const actor = createTruckActor({
      device,
      start: startOf(truck, last),
      map: RADIO_MAP,
      random: randomOf(seed, `${device} live`),
      firstSeq: nextSeq(last),
    })
    return {
      actor: faulty(actor, truck.fault),
      clockAheadMs: truck.fault === 'clock' ? CLOCK_AHEAD_MS : 0,
      keepsClock: true,
      probeEveryMs: TRUCK_PROBE_MS,
    }
  })
}

function faulty(actor: Actor, fault: TruckSeed['fault']): Actor {
  if (fault === 'malformed') return withFault(actor, malformed(15))
  return fault === 'repeating' ? withFault(actor, repeating(10)) : actor
}

function startOf({ course: name, setC }: TruckSeed, last: LastKnown | null): TruckStart {
  const course = COURSES[name]
  const { lat, lon, odometerM, engineHoursH, fuelPct } = last?.fields ?? {}
  const isPlace = typeof lat === 'number' && typeof lon === 'number'
  return {
    course,
    setC,
    odometerM: typeof odometerM === 'number' ? odometerM : undefined,
    engineHoursH: typeof engineHoursH === 'number' ? engineHoursH : undefined,
    fuelPct: typeof fuelPct === 'number' ? fuelPct : undefined,
    alongM: isPlace ? nearestOn(course.route, { lat, lon }).alongM : undefined,
  }
}

function robots({ seed, startMs }: CastOptions): Member[] {
  return ROBOTS.map(({ id, prefix, serialNumber, place }): Member => {
    const device = `${ROBOT_TENANT}.${id}`
    const actor = createRobotActor({
      device,
      name: { manufacturer: MANUFACTURER, serialNumber },
      prefix,
      hall: place.hall,
      place: place.place,
      map: RADIO_MAP,
      random: randomOf(seed, `${device} live`),
      startMs,
    })
    return { actor, clockAheadMs: 0, keepsClock: true, probeEveryMs: null }
  })
}

function probes({ seed, known }: CastOptions): Member[] {
  return PROBES.map(({ id, kind, route, speedMps }): Member => {
    const device = `${PROBE_TENANT}.${id}`
    const actor = createProbeActor({
      device,
      route,
      speedMps,
      map: RADIO_MAP,
      random: randomOf(seed, `${device} live`),
      firstSeq: nextSeq(known(device)),
      scans: kind === 'radio',
    })
    return { actor, clockAheadMs: 0, keepsClock: true, probeEveryMs: PROBE_MS }
  })
}

function meters({ seed, startMs, known }: CastOptions, world: HeatWorld): Member[] {
  const all = METERS.map((seedling) => {
    const last = known(`${HEAT_TENANT}.${seedling.id}`)
    const next = createSequence(nextSeq(last))
    const shown = last?.fields ?? null
    return { last, meter: createMeter(seedling, { seed, world, shown, nextSeq: next }) }
  })
  catchUp(all, startMs)
  return all.map(({ meter }): Member => ({
    actor: createMeterActor(meter.device, TELEGRAM_MS, (atMs, dtMs) => meter.read(atMs, dtMs)),
    clockAheadMs: 0,
    keepsClock: false,
    probeEveryMs: null,
  }))
}

function weatherStations({ seed, known }: CastOptions, world: HeatWorld): Member[] {
  return WEATHER_STATIONS.map(({ tenant, id }): Member => {
    const device = `${tenant}.${id}`
    const actor = createWeatherActor({
      device,
      everyMs: TELEGRAM_MS,
      outdoorC: (atMs) => world.outdoorC(atMs),
      random: randomOf(seed, `${device} live`),
      nextSeq: createSequence(nextSeq(known(device))),
    })
    return { actor, clockAheadMs: 0, keepsClock: false, probeEveryMs: null }
  })
}

/** Heat also flows while the simulation is off: the registers include it at the next start. */
function catchUp(
  all: readonly { readonly meter: Meter; readonly last: LastKnown | null }[],
  startMs: number,
): void {
  const firstMs = Math.min(...all.map(({ last }) => last?.atMs ?? startMs))
  for (let atMs = firstMs + HOUR_MS; atMs < startMs + HOUR_MS; atMs += HOUR_MS) {
    const untilMs = Math.min(atMs, startMs)
    for (const { meter, last } of all) {
      const fromMs = Math.max(last?.atMs ?? startMs, atMs - HOUR_MS)
      if (untilMs > fromMs) meter.count(untilMs, untilMs - fromMs)
    }
  }
}

function nextSeq(last: LastKnown | null): number {
  return (last?.seq ?? 0) + 1
}
