import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasInfluxd, startInfluxd, type TestServer } from '../support/influxd.ts'
import { addDevice, startPlatform, temporaryDir, type Platform } from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

/*
 * Any series of messages of several trucks: with gaps, duplicates, in another order, late, retained,
 * from a sender that starts again, and some of a kind that a truck is not. Those are rejected, until
 * the device is registered as a robot and they are replayed. Delivery, loss and availability have to
 * say the same in each state, also after the platform was killed.
 */
const DEVICES = 8
const SEED = Number(process.env['SEED'] ?? 20261201)
const KINDS = ['truck', 'probe', 'robot'] as const

/** What one message is: its step from the number before, and how it comes. */
const message = fc.record({
  by: fc.oneof(
    { weight: 8, arbitrary: fc.constant(1) },
    { weight: 3, arbitrary: fc.integer({ min: 2, max: 6 }) },
    { weight: 3, arbitrary: fc.integer({ min: -70, max: 0 }) },
    { weight: 1, arbitrary: fc.integer({ min: -1200, max: 1200 }) },
  ),
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('truck', 'probe') },
    { weight: 1, arbitrary: fc.constant('robot') },
  ),
  // A retained message is no live one, as a replayed one is none.
  retain: fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0),
  isTwice: fc.boolean(),
  isLate: fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0),
})

type Message = typeof message extends fc.Arbitrary<infer One> ? One : never

const DATA = { probe: { rttMs: 20 }, truck: { speedKmh: 5 }, robot: { xM: 1, yM: 2 } }

if (!hasInfluxd) process.stderr.write('loss in InfluxDB is skipped: influxd is not installed\n')

describe.each([
  { store: 'duckdb', isThere: true },
  { store: 'influx', isThere: hasInfluxd },
])(`lost messages in $store (SEED=${SEED})`, ({ store, isThere }) => {
  const dir = temporaryDir('loss')
  let influx: TestServer | null = null
  let platform: Platform

  beforeAll(async () => {
    if (store === 'influx' && isThere) influx = await startInfluxd()
    if (isThere) platform = await start()
  })
  afterAll(async () => {
    await platform?.kill()
    await influx?.stop()
    dir.remove()
  })

  it.skipIf(!isThere)('are as many in delivery, loss and availability', async () => {
    const series = fc.array(message, { minLength: 20, maxLength: 60 })
    const samples = fc.sample(series, { seed: SEED, numRuns: DEVICES })
    const ids = await Promise.all(samples.map((sent, at) => send(`t${at}`, sent)))
    await stored(ids)
    const before = await lostOfAll(ids)

    await platform.kill()
    platform = await start()
    await stored(ids)
    expect(await lostOfAll(ids)).toEqual(before)

    await registerAsRobots(ids)
    const { body } = await platform.api('/rejections/replay', {
      body: { filter: { reason: ['kind'] } },
    })
    expect(body).toMatchObject({ again: 0 })
    expect(body.recovered).toBeGreaterThan(DEVICES)
    const after = await lostOfAll(ids)
    expect(after).not.toEqual(before)
    for (const lost of [before, after]) expect(sumOf(lost)).toBeGreaterThan(DEVICES)
  })

  it.skipIf(!isThere)('are gone everywhere when the missing message is replayed', async () => {
    const truck = await send('late-robot', [
      { by: 1, kind: 'truck' },
      { by: 1, kind: 'robot' },
      { by: 1, kind: 'probe' },
      { by: 2, kind: 'truck' },
    ])
    await stored([truck])
    expect(await lostEverywhere(truck)).toBe(2)
    await registerAsRobots([truck])
    const { body } = await platform.api('/rejections/replay', {
      body: { filter: { device: truck } },
    })
    expect(body).toEqual({ recovered: 1, again: 0, duplicate: 0 })
    expect(await lostEverywhere(truck)).toBe(1)
  })

  function start(): Promise<Platform> {
    const server = influx && {
      PADBORG_STORE: 'influx:',
      INFLUX_URL: influx.url,
      INFLUX_DATABASE: 'loss',
      INFLUX_USERNAME: influx.username,
      INFLUX_PASSWORD: influx.password,
    }
    return startPlatform({ dataDir: dir.path, env: { ...server } })
  }

  /** Sends the messages of one truck in their order. */
  async function send(
    name: string,
    messages: readonly (Pick<Message, 'by' | 'kind'> & Partial<Message>)[],
  ): Promise<string> {
    const device = await addDevice(platform, { tenant: 'acme', id: name, kind: 'truck' })
    const client = await platform.mqtt({ username: device.username, password: device.password })
    const base = Date.now()
    let seq = 100
    for (const [at, { by, kind, retain = false, isTwice, isLate }] of messages.entries()) {
      seq = Math.max(0, seq + by)
      const ts = base + at - (isLate ? 120_000 : 0)
      const payload = JSON.stringify({ v: 1, kind, seq, ts, data: DATA[kind] })
      for (let n = 0; n < (isTwice ? 2 : 1); n += 1) {
        await client.publishAsync(device.topic, payload, { qos: 1, retain })
      }
    }
    await client.endAsync()
    return device.id
  }

  async function stored(ids: readonly string[]): Promise<void> {
    await waitFor(async () => {
      const { body } = await platform.api('/delivery?limit=1000')
      const rows: { device: string; accepted: number; pending: number }[] = body.data
      const own = rows.filter(({ device }) => ids.includes(device))
      return own.length === ids.length && own.every((row) => row.accepted > 0 && row.pending === 0)
    })
  }

  /** Its readings, counts and rejections stay under its id. */
  async function registerAsRobots(ids: readonly string[]): Promise<void> {
    for (const full of ids) {
      const [tenant, id] = full.split('.')
      await platform.api(`/devices/${full}`, { method: 'DELETE' })
      const { status } = await platform.api('/devices', { body: { tenant, id, kind: 'robot' } })
      expect(status).toBe(201)
    }
  }

  async function lostOfAll(ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const lost = await Promise.all(ids.map(async (id) => [id, await lostEverywhere(id)] as const))
    return new Map(lost)
  }

  /** What the three agree on, also per kind. */
  async function lostEverywhere(id: string): Promise<number> {
    const { body } = await platform.api(`/delivery?device=${id}`)
    const { lost } = body.data[0]
    expect(await lostOf('loss', `device=${id}`), id).toBe(lost)
    expect(await lostOf('availability', `device=${id}`), id).toBe(lost)
    for (const kind of KINDS) {
      const query = `device=${id}&kind=${kind}`
      expect(await lostOf('availability', query), query).toBe(await lostOf('loss', query))
    }
    return lost
  }

  async function lostOf(figure: 'loss' | 'availability', query: string): Promise<number> {
    const from = new Date(Date.now() - 3_600_000).toISOString()
    const to = new Date(Date.now() + 3_600_000).toISOString()
    const { body } = await platform.api(`/kpi/${figure}?${query}&from=${from}&to=${to}`)
    const rows = body.data as { lost: number | null }[]
    return rows.reduce((sum, row) => sum + (row.lost ?? 0), 0)
  }
})

function sumOf(lost: ReadonlyMap<string, number>): number {
  return lost.values().reduce((sum, one) => sum + one, 0)
}
