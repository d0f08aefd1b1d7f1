import type { Random } from '#lib/runtime/random.ts'
import { nativePayload } from '../messages/native.ts'
import { startRadio, stepRadio, type RadioMap, type RadioValues } from '../models/radio.ts'
import { placeAt } from '../models/route.ts'
import { startTruck, stepTruck, type TruckStart } from '../models/truck.ts'
import { usualC } from '../models/weather.ts'
import { createSequence, telemetryTopic, type Actor } from './actor.ts'

export interface TruckActorOptions {
  readonly device: string
  readonly start: TruckStart
  readonly map: RadioMap
  readonly random: Random
  readonly everyMs?: number
  /** Null: readings without a number. */
  readonly firstSeq?: number | null
}

/** A truck with a native tracker: its reading, and the radio conditions at its place. */
export function createTruckActor(options: TruckActorOptions): Actor {
  const { device, start, map, random, everyMs = 1000 } = options
  const { course } = start
  const topic = telemetryTopic(device)
  const { firstSeq = 1 } = options
  const nextSeq = firstSeq === null ? () => null : createSequence(firstSeq)
  let truck = startTruck(start, random)
  let radio = startRadio()
  let heard: RadioValues | null = null

  return {
    device,
    everyMs,
    act(atMs, dtMs) {
      const input = { course, ambientC: usualC(atMs) }
      const { state, output } = stepTruck(truck, input, dtMs, random)
      truck = state
      const place = placeAt(course.route, truck.alongM)
      const air = stepRadio(radio, { map, place }, dtMs, random)
      radio = air.state
      heard = air.output.radio
      const reading = { kind: 'truck', atMs, seq: nextSeq(), data: output, radio: heard }
      return { outgoing: [{ topic, payload: nativePayload(reading) }], delay: air.output.delay }
    },
    probed({ rttMs, ...counts }, atMs) {
      const { lat, lon } = placeAt(course.route, truck.alongM)
      const place = { lat: Number(lat.toFixed(6)), lon: Number(lon.toFixed(6)) }
      const data = { ...(rttMs === null ? {} : { rttMs }), ...counts, ...place }
      const reading = { kind: 'probe', atMs, seq: nextSeq(), data, radio: heard }
      return { topic, payload: nativePayload(reading) }
    },
  }
}
