import type { MqttClient } from 'mqtt'
import type { FleetTruth } from '../support/fleet.ts'
import { addDevice, type Platform, type TestDevice } from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

/*
 * Trucks that publish at a fixed rate, whatever happens (an open loop): only beside a known live
 * rate can be said how much faster a backlog drains. What was acknowledged is the truth.
 */
export interface SteadyFleet {
  readonly devices: readonly TestDevice[]
  readonly truth: FleetTruth
  /** Acknowledged messages that InfluxDB has to refuse, by device. */
  readonly bad: ReadonlyMap<string, ReadonlySet<number>>
  readonly perSecond: number
  /** Handed to the MQTT client so far, each counted once. */
  sentCount(): number
  ackedCount(): number
  /** From now on every n-th message has a field that InfluxDB has to refuse; 0 ends it. */
  makeBad(every: number): void
  /** Publishes until `stop`; what an earlier life of the platform left open is sent again first. */
  run(platform: Platform): Promise<{ stop(): Promise<void> }>
}

export interface SteadyOptions {
  readonly tenant: string
  readonly size: number
  readonly perSecond: number
  /** The field of bad messages, and a value that is right in itself. */
  readonly badField: string
}

const TICK_MS = 10

export async function createSteadyFleet(
  platform: Platform,
  { tenant, size, perSecond, badField }: SteadyOptions,
): Promise<SteadyFleet> {
  const devices: TestDevice[] = []
  for (let n = 0; n < size; n += 1) {
    devices.push(await addDevice(platform, { tenant, id: `t${n}`, kind: 'truck' }))
  }
  const each = <T>(make: () => T) => new Map(devices.map(({ id }) => [id, make()]))
  const acked = each(() => new Set<number>())
  const unsure = each(() => new Map<number, string>())
  const bad = each(() => new Set<number>())
  let sent = 0
  let ackedCount = 0
  let badEvery = 0

  return {
    devices,
    truth: { acked, unsure },
    bad,
    perSecond,
    sentCount: () => sent,
    ackedCount: () => ackedCount,
    makeBad(every) {
      badEvery = every
    },
    async run(on) {
      const open = new Map<string, MqttClient>()
      for (const device of devices) {
        const { id, username, password } = device
        const client = await on.mqtt({ username, password, clientId: id, clean: true })
        open.set(id, client)
        client.on('error', () => client.end(true))
        client.on('close', () => open.delete(id))
        for (const [seq, payload] of unsure.get(id) ?? []) publish(client, device, seq, payload)
      }
      const startMs = performance.now()
      let made = 0
      const timer = setInterval(() => {
        const due = ((performance.now() - startMs) / 1000) * perSecond
        for (; made < due; made += 1) {
          const device = devices[made % size]
          const client = device && open.get(device.id)
          if (client) publish(client, device, ...next(device))
        }
      }, TICK_MS)
      return {
        async stop() {
          clearInterval(timer)
          const settled = () => [...open.keys()].every((id) => unsure.get(id)?.size === 0)
          await waitFor(settled, { timeoutMs: 30_000, what: 'a PUBACK for everything sent' })
          for (const client of open.values()) client.end(true)
        },
      }
    },
  }

  /** Sequence numbers count the messages of all devices: so each device has gaps of its own. */
  function next({ id }: TestDevice): [number, string] {
    sent += 1
    const seq = sent
    const isBad = badEvery > 0 && seq % badEvery === 0
    if (isBad) bad.get(id)?.add(seq)
    const data = { speedKmh: seq % 90, odometerM: seq, ...(isBad ? { [badField]: 50 } : {}) }
    const payload = JSON.stringify({ v: 1, kind: 'truck', ts: Date.now(), seq, data })
    unsure.get(id)?.set(seq, payload)
    return [seq, payload]
  }

  function publish(client: MqttClient, { id, topic }: TestDevice, seq: number, payload: string) {
    client.publish(topic, payload, { qos: 1 }, (error) => {
      if (error || !unsure.get(id)?.delete(seq)) return
      ackedCount += 1
      if (!bad.get(id)?.has(seq)) acked.get(id)?.add(seq)
    })
  }
}
