import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { watch } from '../support/live-stream.ts'
import {
  ADMIN_KEY,
  addDevice,
  temporaryDir,
  type Platform,
  type TestDevice,
} from '../support/platform.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'
import { allStored, startVirtualPlatform } from '../support/virtual-platform.ts'
import { waitFor } from '../support/wait-for.ts'

/* Devices whose clocks are wrong, through MQTT and the API, at times of day that the test sets. */
const START_MS = Date.parse('2026-11-24T12:00:00Z')
const PARQUET = 'application/vnd.apache.parquet'

describe('a device whose clock is wrong', () => {
  const dir = temporaryDir('device-clocks')
  let nowMs = START_MS
  let clock: VirtualClock
  let platform: Platform

  beforeAll(async () => {
    clock = createVirtualClock(dir.path, nowMs)
    platform = await startVirtualPlatform({ dataDir: join(dir.path, 'data'), clock })
  })
  afterAll(async () => {
    await platform.kill()
    dir.remove()
  })

  it('is shown with the time it claimed beside the time of receipt, in every form', async () => {
    const stream = await watch(platform)
    const truck = await connect('reset')
    const claimed = Date.parse('2004-01-01T00:00:36Z')
    await truck.send({ seq: 1, ts: nowMs - 2000 }, { seq: 2, ts: claimed })
    const times = [
      ['2026-11-24T11:59:58.000Z', null],
      ['2026-11-24T12:00:00.000Z', '2004-01-01T00:00:36.000Z'],
    ]
    const timesOf = (rows: readonly Record<string, unknown>[]) =>
      rows.map((row) => [row['time'], row['claimedTime']])

    const path = `/readings?device=${truck.id}`
    const json = await platform.api(path)
    expect(timesOf(json.body.data)).toEqual(times)
    expect(timesOf(await parquetOf(path))).toEqual(times)
    const csv = await platform.api(`${path}&as=csv`)
    const [head = '', ...lines] = String(csv.body).trimEnd().split('\r\n')
    expect(head.split(',').at(-1)).toBe('claimedTime')
    expect(lines.map((line) => line.split(',').at(-1))).toEqual(times.map(([, one]) => one ?? ''))

    await waitFor(() => stream.events.length >= 2)
    expect(timesOf(stream.events.map(({ data }) => data))).toEqual(times)
    const firstId = String(stream.events[0]?.id)
    stream.cut()
    const again = await watch(platform, { lastId: firstId })
    await waitFor(() => again.events.length >= 1)
    expect(timesOf(again.events.map(({ data }) => data))).toEqual(times.slice(1))
    again.cut()

    // A time that the platform gave is never the latest by the clock of the device.
    const last = await platform.api(`/last-values?device=${truck.id}`)
    expect(timesOf(last.body.data)).toEqual(times.slice(0, 1))
  })

  it('measures round trips by its own clock, which count in every figure however late they come', async () => {
    const probe = await connect('queued', 'probe')
    const fromMs = nowMs - 600_000
    // A queue of the network: four echoes in time, and one that took 9 s, reported ten minutes later.
    const trips = [10, 12, 11, 13, 9200]
    const messages = trips.map((rttMs, at) => ({
      seq: at,
      ts: fromMs + at * 1000,
      data: { rttMs },
    }))
    clock.set(fromMs + 4000)
    await probe.publish(...messages.slice(0, 4))
    clock.set(nowMs)
    await probe.send(...messages.slice(4))

    const span = `device=${probe.id}&from=${new Date(fromMs).toISOString()}`
    const rowOf = async (path: string) => (await platform.api(`${path}${span}`)).body.data[0]
    expect(await rowOf('/kpi/latency?stage=rtt&by=device&')).toMatchObject({
      n: 5,
      p50Ms: 12,
      maxMs: 9200,
      late: 1,
    })
    expect(await rowOf('/kpi/jitter?')).toMatchObject({
      stage: 'rtt',
      n: 5,
      ipdvN: 4,
      pdvP999Ms: expect.closeTo(9153.252, 6),
      late: 1,
    })
    expect(await rowOf('/kpi/availability?maxLatencyMs=1000&')).toMatchObject({
      method: 'rtt',
      n: 5,
      late: 1,
      lost: 0,
    })
  })

  /** Sends once in ten seconds for four minutes, each with the lag that belongs to it. */
  async function sendFor4Minutes({ publish }: { readonly publish: Sender }, lagOf: LagOf) {
    for (let seq = 0; seq < 25; seq += 1) {
      await publish({ seq, ts: nowMs - lagOf(seq) })
      pass(10_000)
    }
    await allStored(platform)
  }

  type LagOf = (seq: number) => number

  const DAY_MS = 86_400_000
  const codesOf = async (id: string) => {
    const { body } = await platform.api(`/devices/${id}/conformance`)
    return body.findings as readonly { readonly code: string; readonly example: string }[]
  }

  it('is found to be behind by a constant lag, and ahead, with the offset', async () => {
    const behind = await connect('behind')
    await sendFor4Minutes(behind, (seq) => 12.9 * DAY_MS + (seq % 3) * 40)
    const found = await codesOf(behind.id)
    const example = found.find(({ code }) => code === 'clock_behind')?.example
    expect(example).toMatch(/^1114560\.\d s \(12\.9 days\) behind/)
    // Its own time is usable: it stands there, and is late.
    const { body } = await platform.api(`/readings?device=${behind.id}&from=-20d`)
    expect(body.data).toHaveLength(25)
    expect(body.data[0]).toMatchObject({ flags: ['late'], claimedTime: null })

    const ahead = await connect('ahead')
    await sendFor4Minutes(ahead, () => -46_279)
    const codes = (await codesOf(ahead.id)).map(({ code }) => code)
    expect(codes).toContain('clock_offset')
    expect(codes).not.toContain('clock_behind')
  })

  it('is not found to be behind where the lag varies', async () => {
    // A time that stands still, and a queue of the network that becomes shorter.
    const lags: Readonly<Record<string, LagOf>> = {
      stands: (seq) => 8_325_000 + seq * 10_000,
      queue: (seq) => 300_000 - seq * 9000,
    }
    for (const [id, lagOf] of Object.entries(lags)) {
      const device = await connect(id)
      await sendFor4Minutes(device, lagOf)
      const codes = (await codesOf(device.id)).map(({ code }) => code)
      expect(codes, id).not.toContain('clock_behind')
    }
  })

  it('is stored at the time of receipt where a constant lag is beyond the retention, unlike a backlog', async () => {
    const behind = await connect('unset')
    const startMs = nowMs
    await sendFor4Minutes(behind, () => 400 * DAY_MS)
    const { body } = await platform.api(`/readings?device=${behind.id}`)
    // Two minutes are needed to know it: what came before is rejected as too old.
    const times = body.data.map(({ seq, time, claimedTime, flags }: Record<string, unknown>) => [
      seq,
      time,
      claimedTime,
      flags,
    ])
    const timeOf = (seq: number) => startMs + seq * 10_000
    expect(times).toEqual(
      Array.from({ length: 13 }, (_, at) => [
        at + 12,
        new Date(timeOf(at + 12)).toISOString(),
        new Date(timeOf(at + 12) - 400 * DAY_MS).toISOString(),
        ['clock_invalid'],
      ]),
    )
    expect((await codesOf(behind.id)).map(({ code }) => code)).toContain('clock_behind')

    const backlog = await connect('backlog')
    await sendFor4Minutes(backlog, (seq) => 400 * DAY_MS - seq * 60_000)
    const stored = await platform.api(`/readings?device=${backlog.id}`)
    expect(stored.body.data).toEqual([])
    const rejections = await platform.api(`/rejections?device=${backlog.id}`)
    expect(rejections.body.data).toHaveLength(25)
    expect(rejections.body.data[0]).toMatchObject({ reason: 'too_old' })
  })

  function pass(ms: number): void {
    nowMs += ms
    clock.set(nowMs)
  }

  interface Message {
    readonly seq: number
    readonly ts: number
    readonly data?: object
  }

  type Sender = (...messages: readonly Message[]) => Promise<void>

  /** `send` is done when all is stored. */
  async function connect(
    id: string,
    kind = 'truck',
  ): Promise<TestDevice & { readonly publish: Sender; readonly send: Sender }> {
    const device = await addDevice(platform, { tenant: 'acme', id, kind })
    const { username, password } = device
    const client = await platform.mqtt({ username, password, clientId: device.id })
    const publish: Sender = async (...messages) => {
      for (const message of messages) {
        const payload = { v: 1, kind, data: { speedKmh: 50 }, ...message }
        await client.publishAsync(device.topic, JSON.stringify(payload), { qos: 1 })
      }
    }
    const send: Sender = async (...messages) => {
      await publish(...messages)
      await allStored(platform)
      // Queries end before the time that it is.
      pass(1000)
    }
    return { ...device, publish, send }
  }

  async function parquetOf(path: string): Promise<readonly Record<string, unknown>[]> {
    const url = `http://127.0.0.1:${platform.ready.http}/api/v1${path}`
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, accept: PARQUET }
    const file = join(dir.path, 'readings.parquet')
    writeFileSync(file, Buffer.from(await (await fetch(url, { headers })).arrayBuffer()))
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    const found = await connection.runAndReadAll(
      `SELECT * REPLACE (epoch_ms("time") AS "time", epoch_ms("claimedTime") AS "claimedTime")
       FROM read_parquet('${file}') ORDER BY "time"`,
    )
    const iso = (ms: unknown) => (ms === null ? null : new Date(Number(ms)).toISOString())
    return found.getRowObjects().map(({ time, claimedTime }) => ({
      time: iso(time),
      claimedTime: iso(claimedTime),
    }))
  }
})
