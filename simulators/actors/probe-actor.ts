import type { Random } from '#lib/runtime/random.ts'
import { nativePayload } from '../messages/native.ts'
import { startRadio, stepRadio, type RadioMap, type RadioValues } from '../models/radio.ts'
import { placeAt, type Route } from '../models/route.ts'
import { createSequence, telemetryTopic, type Actor } from './actor.ts'

export interface ProbeActorOptions {
  readonly device: string
  /** Walked back and forth. */
  readonly route: Route
  readonly speedMps: number
  readonly map: RadioMap
  readonly random: Random
  readonly everyMs?: number
  /** Null: readings without a number. */
  readonly firstSeq?: number | null
  /** Also reports the radio conditions on their own. */
  readonly scans: boolean
}

/** A modem with a test program: scans the radio, measures round trips. */
export function createProbeActor(options: ProbeActorOptions): Actor {
  const { device, route, speedMps, map, random, everyMs = 2000, scans } = options
  const topic = telemetryTopic(device)
  const { firstSeq = 1 } = options
  const nextSeq = firstSeq === null ? () => null : createSequence(firstSeq)
  let radio = startRadio()
  let heard: RadioValues | null = null
  let walkedM = random.next() * route.lengthM

  return {
    device,
    everyMs,
    act(atMs, dtMs) {
      walkedM += (speedMps * dtMs) / 1000
      const air = stepRadio(radio, { map, place: place() }, dtMs, random)
      radio = air.state
      heard = air.output.radio
      const { delay } = air.output
      if (!scans || !heard) return { outgoing: [], delay }
      const data = { ...heard, ...place(), speedKmh: Number((speedMps * 3.6).toFixed(1)) }
      const reading = { kind: 'radio', atMs, seq: nextSeq(), data }
      return { outgoing: [{ topic, payload: nativePayload(reading) }], delay }
    },
    probed({ rttMs, ...counts }, atMs) {
      const data = { ...(rttMs === null ? {} : { rttMs }), ...counts, ...place() }
      const reading = { kind: 'probe', atMs, seq: nextSeq(), data, radio: heard }
      return { topic, payload: nativePayload(reading) }
    },
  }

  function place() {
    const lapM = walkedM % (2 * route.lengthM)
    const { lat, lon } = placeAt(route, lapM > route.lengthM ? 2 * route.lengthM - lapM : lapM)
    return { lat: Number(lat.toFixed(6)), lon: Number(lon.toFixed(6)) }
  }
}
