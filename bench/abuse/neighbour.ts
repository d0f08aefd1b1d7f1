import type { MqttClient } from 'mqtt'
import { onSchedule, quantile } from '../load/on-schedule.ts'
import { round } from '../machine.ts'
import type { Platform } from '../../tests/support/platform.ts'
import type { Place } from './place.ts'

const MESSAGES_PER_S = 100
const QUERIES_PER_S = 5

/** What a well-behaved tenant saw. */
export interface NeighbourFigures {
  readonly published: number
  readonly acknowledged: number
  readonly pubackP50Ms: number
  readonly pubackP99Ms: number
  readonly queries: number
  readonly results: number
  readonly resultP50Ms: number
  readonly resultP95Ms: number
}

/** A device that publishes, and somebody who looks at its readings. */
export interface Neighbour {
  watch(seconds: number): Promise<NeighbourFigures>
  /** Messages acknowledged so far. */
  acknowledged(): number
  leave(): Promise<void>
}

/** A result that takes longer counts as none. */
const PATIENCE_MS = 30_000

export async function createNeighbour(platform: Platform, place: Place): Promise<Neighbour> {
  const [account] = place.devices
  if (!account) throw new Error('expected a device')
  const device = await platform.mqtt({ ...account, queueQoSZero: false })
  let acknowledged = 0
  let seq = 0

  async function publish(): Promise<boolean> {
    seq += 1
    const message = { v: 1, kind: 'truck', ts: Date.now(), seq, data: { speedKmh: seq % 90 } }
    const topic = `padborg/v1/${account?.username.replace('.', '/')}/telemetry`
    const isAcknowledged = await published(device, topic, JSON.stringify(message))
    if (isAcknowledged) acknowledged += 1
    return isAcknowledged
  }

  return {
    acknowledged: () => acknowledged,
    async watch(seconds) {
      const [pubacks, results] = await Promise.all([
        onSchedule({ perS: MESSAGES_PER_S, seconds }, publish),
        onSchedule({ perS: QUERIES_PER_S, seconds }, (n) => query(place, n)),
      ])
      return {
        published: MESSAGES_PER_S * seconds,
        acknowledged: pubacks.length,
        pubackP50Ms: round(quantile(pubacks, 0.5), 2),
        pubackP99Ms: round(quantile(pubacks, 0.99), 2),
        queries: QUERIES_PER_S * seconds,
        results: results.length,
        resultP50Ms: round(quantile(results, 0.5), 1),
        resultP95Ms: round(quantile(results, 0.95), 1),
      }
    },
    async leave() {
      await device.endAsync(true)
    },
  }
}

function published(device: MqttClient, topic: string, payload: string): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), PATIENCE_MS)
    device.publish(topic, payload, { qos: 1 }, (error) => {
      clearTimeout(timer)
      resolve(!error)
    })
  })
}

async function query({ httpPort, viewerKey, devices }: Place, n: number): Promise<boolean> {
  const device = devices[0]?.username ?? ''
  const from = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 600_000).toISOString()
  const paths = [
    '/last-values?kind=truck',
    `/readings?kind=truck&device=${device}&order=desc&limit=50&from=${from}`,
    `/kpi/latency?stage=age&by=device&from=${from}`,
    '/delivery',
  ]
  try {
    const response = await fetch(`http://127.0.0.1:${httpPort}/api/v1${paths[n % paths.length]}`, {
      headers: { authorization: `Bearer ${viewerKey}` },
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    await response.text()
    return response.ok
  } catch {
    return false
  }
}
