import { telemetryTopic, type Actor } from '../../simulators/actors/actor.ts'
import { createProbeActor } from '../../simulators/actors/probe-actor.ts'
import { createRobotActor } from '../../simulators/actors/robot-actor.ts'
import { createTruckActor } from '../../simulators/actors/truck-actor.ts'
import { randomOf } from '../../simulators/models/chance.ts'
import { ROBOTS } from '../devices.ts'
import { PROBES, PROBE_TENANT } from '../testbed/probes.ts'
import { RADIO_MAP } from '../testbed/radio-map.ts'
import { COURSES } from '../testbed/roads.ts'
import { MANUFACTURER, ROBOT_TENANT } from '../testbed/robots.ts'
import { TRUCKS } from '../testbed/trucks.ts'
import type { HistoryOptions, Line } from './line.ts'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
const TRUCK_EVERY_MS = MINUTE_MS
const PROBE_EVERY_MS = 5 * MINUTE_MS
const ROBOT_EVERY_MS = 5 * MINUTE_MS
/** Robots decide in seconds; a history does not need each of them. */
const ROBOT_STEP_MS = 20_000
/** Readings per message, as a store-and-forward box uploads them. */
const PER_MESSAGE = 30

/** A day of the trucks of one tenant, truck by truck. */
export function* truckHistory(options: HistoryOptions, tenant: string): Generator<Line> {
  for (const truck of TRUCKS) {
    const device = `${tenant}.${truck.id}`
    if (truck.tenant !== tenant || options.isKnown(device)) continue
    const actor = createTruckActor({
      device,
      start: { course: COURSES[truck.course], setC: truck.setC },
      map: RADIO_MAP,
      random: randomOf(options.seed, device),
      firstSeq: null,
    })
    yield* bundled(actor, TRUCK_EVERY_MS, options.endMs)
  }
}

/** A day of radio conditions and round trips. */
export function* probeHistory({ seed, endMs, isKnown }: HistoryOptions): Generator<Line> {
  for (const { id, kind, route, speedMps } of PROBES) {
    const device = `${PROBE_TENANT}.${id}`
    if (isKnown(device)) continue
    const random = randomOf(seed, device)
    const scans = kind === 'radio'
    const options = { device, route, speedMps, map: RADIO_MAP, random, firstSeq: null, scans }
    yield* bundled(withRoundTrips(createProbeActor(options)), PROBE_EVERY_MS, endMs)
  }
}

/** A day of robot states. */
export function* robotHistory({ seed, endMs, isKnown }: HistoryOptions): Generator<Line> {
  const startMs = startOf(endMs, ROBOT_EVERY_MS)
  for (const { id, prefix, serialNumber, place } of ROBOTS) {
    const device = `${ROBOT_TENANT}.${id}`
    if (isKnown(device)) continue
    const actor = createRobotActor({
      device,
      name: { manufacturer: MANUFACTURER, serialNumber },
      prefix,
      hall: place.hall,
      place: place.place,
      map: RADIO_MAP,
      random: randomOf(seed, device),
      startMs,
      stateEveryMs: 0,
      visualization: false,
      sendsEvery: ROBOT_EVERY_MS / ROBOT_STEP_MS,
    })
    for (let atMs = startMs; atMs <= endMs; atMs += ROBOT_STEP_MS) {
      for (const message of actor.act(atMs, ROBOT_STEP_MS).outgoing) {
        yield { device, atMs, ...message }
      }
    }
  }
}

/** Puts several readings of a native device into one message. */
function* bundled(actor: Actor, everyMs: number, endMs: number): Generator<Line> {
  const topic = telemetryTopic(actor.device)
  let elements: string[] = []
  for (let atMs = startOf(endMs, everyMs); atMs <= endMs; atMs += everyMs) {
    elements.push(...actor.act(atMs, everyMs).outgoing.map(({ payload }) => payload))
    const isLast = atMs + everyMs > endMs
    if (elements.length === 0 || (elements.length < PER_MESSAGE && !isLast)) continue
    yield { device: actor.device, atMs, topic, payload: `[${elements.join(',')}]` }
    elements = []
  }
}

/** Every step also reports a round trip over the radio link at that moment. */
function withRoundTrips(actor: Actor): Actor {
  let received = 0
  return {
    ...actor,
    act(atMs, dtMs) {
      const { outgoing, delay } = actor.act(atMs, dtMs)
      if (!delay || !actor.probed) return { outgoing, delay }
      received += 1
      const rttMs = Number((delay.uplinkMs + delay.downlinkMs).toFixed(3))
      const counts = { sent: received, received, lost: 0, sizeBytes: 64 }
      // The answer is there after the round trip, not at the moment of the scan.
      const probe = actor.probed({ rttMs, ...counts }, atMs + Math.ceil(rttMs))
      return { outgoing: [...outgoing, probe], delay }
    },
  }
}

function startOf(endMs: number, everyMs: number): number {
  return Math.floor((endMs - DAY_MS) / everyMs) * everyMs
}
