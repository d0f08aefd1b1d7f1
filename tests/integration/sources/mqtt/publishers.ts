import type { MqttClient } from 'mqtt'
import { createRandom } from '#lib/runtime/random.ts'
import type { Mosquitto } from './mosquitto.ts'

/** What a fleet has sent, as `<device> <seq>` and as payloads. */
export interface Publishers {
  /** Acknowledged by the broker. */
  readonly acked: ReadonlySet<string>
  readonly sent: ReadonlySet<string>
  stop(): Promise<void>
}

export interface PublisherOptions {
  readonly devices: readonly string[]
  /** Messages in flight per device. */
  readonly window: number
  /** Pause of each loop after a message, so that the rate is bounded. */
  readonly pauseMs: number
  readonly seed: number
}

/** Every device publishes with QoS 1 until it is stopped; the payload tells device and number. */
export async function startPublishers(
  mosquitto: Mosquitto,
  { devices, window, pauseMs, seed }: PublisherOptions,
): Promise<Publishers> {
  const random = createRandom(seed)
  const acked = new Set<string>()
  const sent = new Set<string>()
  let stopped = false
  const clients = await Promise.all(devices.map((id) => mosquitto.client({ clientId: id })))
  const loops = devices.flatMap((id, at) => {
    let seq = 0
    const client = clients[at]
    const next = () => (seq += 1)
    return client ? Array.from({ length: window }, () => drive(client, id, next)) : []
  })
  return {
    acked,
    sent,
    async stop() {
      stopped = true
      await Promise.all(loops)
      for (const client of clients) client.end(true)
    },
  }

  async function drive(client: MqttClient, id: string, next: () => number): Promise<void> {
    const topic = `padborg/v1/${id.replace('.', '/')}/telemetry`
    while (!stopped) {
      const seq = next()
      const data = { speedKmh: random.integer(0, 90) }
      const key = `${id} ${seq}`
      sent.add(key)
      const payload = JSON.stringify({ v: 1, kind: 'truck', ts: Date.now(), seq, data, key })
      await client.publishAsync(topic, payload, { qos: 1 })
      acked.add(key)
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}

/** The `<device> <seq>` a payload carries. */
export function keyOf(payload: string): string {
  const { key } = JSON.parse(payload)
  return String(key)
}
