import type { Random } from '#lib/runtime/random.ts'
import { nativePayload } from '../messages/native.ts'
import { between } from '../models/chance.ts'
import { telemetryTopic, type Actor, WIRED } from './actor.ts'

export interface WeatherActorOptions {
  readonly device: string
  readonly everyMs: number
  /** The temperature of the air at a time, C. */
  readonly outdoorC: (atMs: number) => number
  readonly random: Random
  /** Null: readings without a number. */
  readonly nextSeq: () => number | null
}

/** The noise of a shielded sensor, K. */
const NOISE_K = 0.05

/** A station that measures the temperature of the air. */
export function createWeatherActor(options: WeatherActorOptions): Actor {
  const { device, everyMs, outdoorC, random, nextSeq } = options
  return {
    device,
    everyMs,
    act(atMs) {
      const measuredC = outdoorC(atMs) + between(random, -NOISE_K, NOISE_K)
      const data = { outdoorC: Number(measuredC.toFixed(2)) }
      const payload = nativePayload({ kind: 'weather', atMs, seq: nextSeq(), data })
      return { outgoing: [{ topic: telemetryTopic(device), payload }], delay: WIRED }
    },
  }
}
