import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  addDevice,
  deliveryOf,
  startPlatform,
  temporaryDir,
  type Platform,
  type TestDevice,
} from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

/**
 * New firmware of a tracker moves the temperature of the cargo to another AVL id and sends a name
 * under the old one: for a day every record is refused. Then the setting `avl` of the device is
 * mended, the platform is killed at the worst moments, and the day is replayed.
 */
const MINUTES = 24 * 60
const DAY_MS = MINUTES * 60_000
/** Records that the tracker sent again because it had not heard the acknowledgement. */
const REPEATED = 40
const BEFORE = 60

const DEVICE = { tenant: 'acme', id: 't1', kind: 'truck', format: 'teltonika' }
const IMEI = '356307042441013'
const OLD = { imei: IMEI, avl: { 72: { to: 'cargoTemp1C', per: 10 } } }
const MENDED = { imei: IMEI, avl: { 10800: { to: 'cargoTemp1C', per: 10 } } }

describe('a day that new firmware made unreadable', () => {
  const dir = temporaryDir('firmware')
  const endMs = Math.floor(Date.now() / 60_000) * 60_000 - 60_000
  const startMs = endMs - DAY_MS
  let platform: Platform
  let device: TestDevice

  beforeAll(async () => {
    platform = await startPlatform({ dataDir: dir.path })
    device = await register(OLD)
  })

  afterAll(async () => {
    await platform.kill()
    dir.remove()
  })

  it('is recovered complete, and nothing twice, whenever the platform is killed', async () => {
    const before = minutes(BEFORE).map((at) => old(startMs - (at + 1) * 60_000, at))
    const day = minutes(MINUTES).map((at) => renewed(startMs + at * 60_000, at))
    await publish([...before, ...day, ...day.slice(0, REPEATED)])
    const accepted = BEFORE + MINUTES + REPEATED
    const rejected = MINUTES + REPEATED
    await settled({ accepted, stored: BEFORE, rejected, duplicate: 0 })
    expect(await openRejections()).toEqual({ 'schema state.reported.72': rejected })

    await mend()
    // Before the next snapshot: records are read again, now with the mended setting.
    await restart()
    await settled({ accepted, stored: BEFORE, rejected, duplicate: 0 })

    const first = platform.api('/rejections/replay', { body: { filter: { device: device.id } } })
    const interrupted = first.catch(() => null)
    await waitFor(async () => (await deliveryOf(platform, device.id)).rejected < rejected)
    await restart()
    await interrupted

    await waitFor(async () => (await deliveryOf(platform, device.id)).pending === 0)
    const { body } = await platform.api('/rejections/replay', {
      body: { filter: { device: device.id } },
    })
    expect(body.again).toBe(0)
    await settled({
      accepted,
      stored: BEFORE + MINUTES,
      rejected: 0,
      duplicate: REPEATED,
    })
    expect(await openRejections()).toEqual({})
    expect(await storedMinutes()).toEqual(minutes(MINUTES))

    const again = await platform.api('/rejections/replay', {
      body: { filter: { device: device.id } },
    })
    expect(again.body).toEqual({ recovered: 0, again: 0, duplicate: 0 })
    const range = await platform.api('/rejections/replay', {
      body: { positions: { from: 1, to: 1_000_000 } },
    })
    expect(range.body).toEqual({ recovered: 0, again: 0, duplicate: accepted })
    expect(await storedMinutes()).toEqual(minutes(MINUTES))
    await settled({ accepted, stored: BEFORE + MINUTES, rejected: 0, duplicate: REPEATED })
  })

  async function restart(): Promise<void> {
    await platform.kill()
    platform = await startPlatform({ dataDir: dir.path })
  }

  /** A device has the settings it was registered with: it is registered anew. */
  async function mend(): Promise<void> {
    await platform.api(`/devices/${device.id}`, { method: 'DELETE' })
    device = await register(MENDED)
  }

  async function register(settings: object): Promise<TestDevice> {
    const what = { ...DEVICE, settings }
    return await addDevice(platform, what)
  }

  async function publish(payloads: readonly object[]): Promise<void> {
    const { username, password } = device
    const client = await platform.mqtt({ username, password })
    const topic = 'padborg/v1/acme/t1/teltonika'
    await Promise.all(
      payloads.map((payload) => client.publishAsync(topic, JSON.stringify(payload), { qos: 1 })),
    )
    await client.endAsync()
  }

  async function settled(sums: object): Promise<void> {
    await waitFor(async () => (await deliveryOf(platform, device.id))?.pending === 0, {
      timeoutMs: 30_000,
    })
    expect(await deliveryOf(platform, device.id)).toMatchObject(sums)
  }

  /** Rejections not yet recovered, counted by reason and path. */
  async function openRejections(): Promise<Record<string, number>> {
    const found: Record<string, number> = {}
    const rows = await listOf(`/rejections?device=${device.id}`)
    for (const { reason, path, recoveredAt } of rows) {
      if (recoveredAt === null) found[`${reason} ${path}`] = (found[`${reason} ${path}`] ?? 0) + 1
    }
    return found
  }

  /** The minutes of the day that are stored, as often as they are, by their temperatures. */
  async function storedMinutes(): Promise<readonly number[]> {
    const from = new Date(startMs).toISOString()
    const to = new Date(endMs).toISOString()
    const rows = await listOf(`/readings?kind=truck&device=${device.id}&from=${from}&to=${to}`)
    return rows.map(({ time, fields }) => {
      const at = (Date.parse(String(time)) - startMs) / 60_000
      const expected = temperatureOf(at) / 10
      return fields.cargoTemp1C === expected ? at : Number.NaN
    })
  }

  // oxlint-disable-next-line typescript/no-explicit-any
  async function listOf(path: string): Promise<any[]> {
    const rows = []
    let cursor: string | null = null
    do {
      const more = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const { body } = await platform.api(`${path}&limit=500${more}`)
      rows.push(...body.data)
      cursor = body.next
    } while (cursor !== null)
    return rows
  }
})

function minutes(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at)
}

const temperatureOf = (minute: number) => 20 + (minute % 200)

function record(timeMs: number, values: object) {
  return { state: { reported: { ts: timeMs, latlng: '54.825300,9.357700', sp: 50, ...values } } }
}

function old(timeMs: number, minute: number) {
  return record(timeMs, { 72: temperatureOf(minute) })
}

function renewed(timeMs: number, minute: number) {
  return record(timeMs, { 72: 'rear sensor', 10800: temperatureOf(minute) })
}
