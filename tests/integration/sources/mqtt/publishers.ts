import type { MqttClient } from 'mqtt'
import { createRandom } from '#lib/runtime/random.ts'
import type { Mosquitto } from './mosquitto.ts'

/** What a fleet has sent, as `<device> <seq>` and as payloads. */
export interface Publishers {
  /** Acknowledged by the broker. */
  readonly acked: ReadonlySet<string>
  readonly sent: ReadonlySet<string>
  /** Ends the loops. Resolves when all that was sent is acknowledged. */
  stop(): Promise<void>
  /** Sends one more message of the first device; resolves with its payload once it is acknowledged. */
  publishOne(): Promise<string>
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
  const senders: Sender[] = await Promise.all(
    devices.map(async (id) => ({ id, seq: 0, client: await mosquitto.client({ clientId: id }) })),
  )
  const loops = senders.flatMap((sender) => Array.from({ length: window }, () => drive(sender)))
  return {
    acked,
    sent,
    async stop() {
      stopped = true
      await Promise.all(loops)
    },
    async publishOne() {
      const [first] = senders
      if (!first) throw new Error('there is no device')
      return await publish(first)
    },
  }

  async function drive(sender: Sender): Promise<void> {
    while (!stopped) {
      await publish(sender)
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }

  async function publish(sender: Sender): Promise<string> {
    const { id, client } = sender
    const seq = (sender.seq += 1)
    const data = { speedKmh: random.integer(0, 90) }
    const key = `${id} ${seq}`
    sent.add(key)
    const payload = JSON.stringify({ v: 1, kind: 'truck', ts: Date.now(), seq, data, key })
    await client.publishAsync(`padborg/v1/${id.replace('.', '/')}/telemetry`, payload, { qos: 1 })
    acked.add(key)
    return payload
  }
}

interface Sender {
  readonly id: string
  readonly client: MqttClient
  seq: number
}

/** The `<device> <seq>` a payload carries. */
export function keyOf(payload: string): string {
  const { key } = JSON.parse(payload)
  return String(key)
}
