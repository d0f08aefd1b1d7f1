import type { MqttClient } from 'mqtt'
import { addDevice, type Platform, type TestDevice } from '../support/platform.ts'

/** A small testbed that keeps publishing: two hauliers, a probe, a heat meter, a faulty truck. */
export interface Testbed {
  readonly trucks: readonly TestDevice[]
  readonly faulty: TestDevice
  /** Publishes until stopped; again after a restart of the platform. */
  run(platform: Platform): Promise<{ stop(): Promise<void> }>
}

const EVERY_MS = 200
export const CLOCK_AHEAD_MS = 46_300
const HOUR_MS = 3_600_000

export async function createTestbed(platform: Platform): Promise<Testbed> {
  const trucks = [
    await addDevice(platform, { tenant: 'acme', id: 'truck-1', kind: 'truck' }),
    await addDevice(platform, { tenant: 'acme', id: 'truck-ahead', kind: 'truck' }),
    await addDevice(platform, { tenant: 'beta', id: 'truck-2', kind: 'truck' }),
  ]
  const faulty = await addDevice(platform, { tenant: 'acme', id: 'truck-faulty', kind: 'truck' })
  const probe = await addDevice(platform, { tenant: 'acme', id: 'probe-1', kind: 'probe' })
  const meter = await addDevice(platform, { tenant: 'acme', id: 'meter-1', kind: 'heat_meter' })
  for (const site of SITES) await platform.api('/sites', { body: site })
  await sendMeterHistory(platform, meter)
  let seq = 0

  return {
    trucks,
    faulty,
    async run(platform) {
      const clients = await Promise.all(
        [...trucks, faulty, probe].map((one) => connect(platform, one)),
      )
      const [first, ahead, other, bad, probing] = clients
      const timer = setInterval(() => {
        seq += 1
        const ts = Date.now()
        send(first, truck(ts))
        send(ahead, truck(ts + CLOCK_AHEAD_MS))
        send(other, truck(ts))
        send(probing, {
          ts,
          kind: 'probe',
          data: { rttMs: 18 + (seq % 7) },
          radio: { rat: 'nr-sa' },
        })
        if (seq % 5 === 0) send(bad, { ts, kind: 'truck', data: { speedKmh: 'fast' } })
      }, EVERY_MS)
      return {
        async stop() {
          clearInterval(timer)
          await Promise.all(clients.map(({ client }) => client.endAsync(true)))
        },
      }
    },
  }

  function truck(ts: number) {
    const data = {
      lat: 54.9 + (seq % 100) / 1000,
      lon: 9.36,
      speedKmh: 60 + (seq % 20),
      headingDeg: 5,
    }
    return { ts, kind: 'truck', data, radio: { rat: 'lte', rsrpDbm: -90 } }
  }

  function send(to: { client: MqttClient; topic: string } | undefined, element: object): void {
    if (!to?.client.connected) return
    to.client.publish(to.topic, JSON.stringify({ v: 1, seq, ...element }), { qos: 1 })
  }
}

const SITES = [
  { id: 'yard', name: 'Yard', position: { lat: 54.95, lon: 9.36 }, outline: square(54.95, 9.36) },
  { id: 'north', name: 'North town', position: { lat: 55.05, lon: 9.4 } },
  { id: 'south', name: 'South town', position: { lat: 54.82, lon: 9.36 } },
]

function square(lat: number, lon: number): [number, number][] {
  const size = 0.01
  const corners: [number, number][] = [
    [lat + size, lon - size],
    [lat + size, lon + size],
    [lat - size, lon + size],
    [lat - size, lon - size],
  ]
  return [...corners, [lat + size, lon - size]]
}

async function connect(platform: Platform, device: TestDevice) {
  const { username, password, topic } = device
  const client = await platform.mqtt({ username, password, clientId: device.id })
  client.on('error', () => client.end(true))
  return { client, topic }
}

/** Hourly registers of the last six hours, with a reset to zero in the middle. */
async function sendMeterHistory(platform: Platform, meter: TestDevice): Promise<void> {
  const { client, topic } = await connect(platform, meter)
  const registers = [5000, 5010, 5020, 1, 11, 21]
  const nowMs = Date.now()
  for (const [at, energyKwh] of registers.entries()) {
    const ts = nowMs - (registers.length - at) * HOUR_MS
    const reading = { v: 1, kind: 'heat_meter', ts, seq: at + 1, data: { energyKwh } }
    await client.publishAsync(topic, JSON.stringify(reading), { qos: 1 })
  }
  await client.endAsync()
}
