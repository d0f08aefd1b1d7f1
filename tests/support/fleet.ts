import type { MqttClient } from 'mqtt'
import { createRandom } from '#lib/runtime/random.ts'
import { addDevice, type Platform, type TestDevice } from './platform.ts'
import { waitFor } from './wait-for.ts'

/** What a fleet knows of its own messages: the truth a store is compared with. */
export interface FleetTruth {
  /** Sequence numbers that were acknowledged, per device. */
  readonly acked: Map<string, Set<number>>
  /** Sent, but not (yet) acknowledged: may be stored, at most once. */
  readonly unsure: Map<string, Map<number, string>>
}

export interface Fleet {
  readonly devices: readonly TestDevice[]
  readonly truth: FleetTruth
  /** Publishes as fast as acknowledgements allow until `stop`; survives a dying platform. */
  run(platform: Platform): Promise<{ stop(): Promise<void> }>
  ackedCount(): number
}

/** Messages in flight per device, where nothing else is asked for. */
const WINDOW = 20

export async function createFleet(
  platform: Platform,
  options: {
    readonly tenant: string
    readonly size: number
    readonly seed: number
    readonly window?: number
  },
): Promise<Fleet> {
  const devices: TestDevice[] = []
  for (let n = 0; n < options.size; n += 1) {
    devices.push(await addDevice(platform, { tenant: options.tenant, id: `t${n}`, kind: 'truck' }))
  }
  const random = createRandom(options.seed)
  const nextSeq = new Map(devices.map(({ id }) => [id, 1]))
  const truth: FleetTruth = {
    acked: new Map(devices.map(({ id }) => [id, new Set()])),
    unsure: new Map(devices.map(({ id }) => [id, new Map()])),
  }

  return {
    devices,
    truth,
    ackedCount: () => [...truth.acked.values()].reduce((sum, { size }) => sum + size, 0),
    async run(platform) {
      let stopped = false
      const loops = devices.map((device) => drive(device, platform, () => stopped))
      return {
        async stop() {
          stopped = true
          await Promise.all(loops)
        },
      }
    },
  }

  async function drive(device: TestDevice, platform: Platform, stopped: () => boolean) {
    const { username, password } = device
    let client: MqttClient
    try {
      client = await platform.mqtt({ username, password, clientId: device.id, clean: true })
    } catch {
      return
    }
    client.on('error', () => client.end(true))
    let open = true
    client.on('close', () => (open = false))
    // What an earlier life of the platform left unanswered is sent again, as a device would.
    const again = [...(truth.unsure.get(device.id) ?? [])]
    const worker = async () => {
      while (open && !stopped()) {
        const [seq, payload] = again.shift() ?? made(device)
        truth.unsure.get(device.id)?.set(seq, payload)
        const acked = await publish(client, device.topic, payload)
        if (!acked) return
        truth.unsure.get(device.id)?.delete(seq)
        truth.acked.get(device.id)?.add(seq)
      }
    }
    await Promise.all(Array.from({ length: options.window ?? WINDOW }, worker))
    client.end(true)
  }

  function made(device: TestDevice): [number, string] {
    const seq = nextSeq.get(device.id) ?? 1
    nextSeq.set(device.id, seq + 1)
    const data = { speedKmh: random.integer(0, 90), odometerM: seq }
    const ts = Date.now()
    return [seq, JSON.stringify({ v: 1, kind: 'truck', ts, seq, data })]
  }
}

function publish(client: MqttClient, topic: string, payload: string): Promise<boolean> {
  return new Promise((resolve) => {
    const closed = () => resolve(false)
    client.once('close', closed)
    client.setMaxListeners(200)
    client.publish(topic, payload, { qos: 1 }, (error) => {
      client.off('close', closed)
      resolve(!error)
    })
  })
}

/** Every stored sequence number of a device, as often as it is stored, through the API. */
export async function storedSeqs(platform: Platform, device: string): Promise<number[]> {
  const seqs: number[] = []
  let cursor = ''
  do {
    const { status, body } = await platform.api(
      `/readings?kind=truck&device=${device}&limit=10000&fields=odometerM${cursor}`,
    )
    if (status !== 200) throw new Error(`readings: ${status} ${JSON.stringify(body)}`)
    for (const row of body.data) seqs.push(row.seq)
    cursor = body.next ? `&cursor=${encodeURIComponent(body.next)}` : ''
  } while (cursor !== '')
  return seqs
}

/** What is wrong between what was acknowledged and what is stored; empty when nothing is. */
export async function compareWithStore(platform: Platform, truth: FleetTruth): Promise<string[]> {
  const faults: string[] = []
  for (const [device, acked] of truth.acked) {
    const stored = await storedSeqs(platform, device)
    const once = new Set(stored)
    const missing = [...acked].filter((seq) => !once.has(seq))
    const unsure = truth.unsure.get(device)
    const foreign = [...once].filter((seq) => !acked.has(seq) && !unsure?.has(seq))
    if (missing.length > 0)
      faults.push(`${device}: acknowledged but missing ${missing.slice(0, 5).join()}`)
    if (stored.length > once.size)
      faults.push(`${device}: ${stored.length - once.size} stored twice`)
    if (foreign.length > 0) faults.push(`${device}: never sent ${foreign.slice(0, 5).join()}`)
  }
  return faults
}

/** Waits until nothing is pending and checks the sums on the way. */
export async function settledDelivery(platform: Platform, timeoutMs = 20_000) {
  const nothingPending = async () => {
    const { body } = await platform.api('/delivery?limit=10000')
    for (const row of body.data) {
      const { device, accepted, stored, rejected, duplicate, pending } = row
      if (accepted !== stored + rejected + duplicate + pending || pending < 0) {
        throw new Error(`the sums of ${device} do not add up: ${JSON.stringify(row)}`)
      }
    }
    return body.data.every((row: { pending: number }) => row.pending === 0) && body.data
  }
  return await waitFor(nothingPending, { timeoutMs, what: 'an end of pending messages' })
}
