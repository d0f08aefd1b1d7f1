import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { LOCAL_FILE } from '#lib/store/influx/state/local-state.ts'
import { openStore } from '#lib/store/open.ts'
import type { LatencyRow } from '#lib/kpi/network/latency.ts'
import type { ThroughputRow } from '#lib/kpi/network/throughput.ts'
import type { Store } from '#lib/store/store.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { Page } from '#lib/telemetry/page.ts'
import { hasInfluxd, startInfluxd, type TestServer } from '../support/influxd.ts'
import { waitFor } from '../support/wait-for.ts'
import { createInfluxPlace, type InfluxPlace } from './influx-place.ts'
import {
  ALL,
  RETENTION,
  WIDE,
  latencyOf,
  lossOf,
  seedOfRun,
  storeOptions,
  throughputOf,
  writeAll,
} from './store-fixture.ts'
import {
  DAY_NS,
  DAY_START_NS,
  HOUR_NS,
  MINUTE_NS,
  SECOND_NS,
  randomFleet,
  reading,
  readingsFrom,
} from './store-rows.ts'

const span = { scope: ALL, ...WIDE, everyNs: null }
const STAGES = ['age', 'uplink', 'rtt'] as const

describe.skipIf(!hasInfluxd)('figures in InfluxDB', { timeout: 60_000 }, () => {
  let server: TestServer
  let place: InfluxPlace
  let dir = ''

  beforeAll(async () => {
    server = await startInfluxd()
  })
  afterAll(async () => {
    await server?.stop()
  })
  beforeEach(() => {
    place = createInfluxPlace(server)
    dir = mkdtempSync(join(tmpdir(), 'padborg-both-'))
  })
  afterEach(async () => {
    await place.close()
    rmSync(dir, { recursive: true, force: true })
  })

  const figuresOf = async (store: Store, over: object = {}) => ({
    latency: await latencyOf(store, { ...span, by: ['kind'], ...over, stages: STAGES }),
    throughput: await throughputOf(store, { ...span, by: ['kind'], ...over }),
    loss: await lossOf(store, { ...span, by: ['kind'], ...over }),
  })
  const countOf = async (measurement: string) => {
    const [series] = await place.influx.query(`SELECT count(upto) FROM "${measurement}"`)
    return Number(series?.values[0]?.[1] ?? 0)
  }

  /** Hours are made beside everything else: how many there are once their number stays. */
  const rolledHours = async () => {
    const path = join(place.dir, LOCAL_FILE)
    await waitFor(() => {
      const db = new DatabaseSync(path, { readOnly: true })
      const dirty = db.prepare('SELECT count(*) AS n FROM dirty_hours').get()
      db.close()
      return dirty?.['n'] === 0
    })
    return countOf('counts_hour')
  }

  const seed = seedOfRun()
  it(`are those of the embedded store, as is every other result (SEED=${seed})`, async () => {
    const rows = randomFleet({ seed, messages: 1500, stepNs: 11n * SECOND_NS })
    const { store: influx } = await place.open()
    const { store: duckdb } = await openStore(storeOptions(dir))
    for (const store of [influx, duckdb]) {
      await writeAll(store, rows.slice(0, 900), 77)
      await store.upkeep.maintain(DAY_START_NS + 3n * HOUR_NS)
      await writeAll(store, rows.slice(900), 77)
    }
    const cut = {
      fromNs: DAY_START_NS + 1234n * SECOND_NS + 567n,
      toNs: DAY_START_NS + 3n * HOUR_NS + 89n,
    }
    for (const over of [
      { by: ['device', 'rat'] },
      { by: ['cell', 'operator', 'band', 'tenant'], everyNs: 7n * MINUTE_NS },
      { ...cut, by: ['kind'], everyNs: HOUR_NS },
      { ...cut, by: [], everyNs: 10n * SECOND_NS },
    ]) {
      const [a, b] = [await figuresOf(influx, over), await figuresOf(duckdb, over)]
      expect(a.throughput).toEqual(b.throughput)
      expect(sorted(a.loss)).toEqual(sorted(b.loss))
      expectSameLatency(a.latency, b.latency)
    }
    for (const kind of ['truck', 'robot', 'heat_meter'] as const) {
      const query = { ...cut, scope: ALL, kind, fields: null, limit: 13, cursor: null }
      const every = { ...query, everyNs: 5n * MINUTE_NS }
      expect(await allPages((cursor) => influx.reader.aggregates({ ...every, cursor }))).toEqual(
        await allPages((cursor) => duckdb.reader.aggregates({ ...every, cursor })),
      )
      const paged = { ...query, order: 'desc' as const }
      expect(await allPages((cursor) => influx.reader.readings({ ...paged, cursor }))).toEqual(
        await allPages((cursor) => duckdb.reader.readings({ ...paged, cursor })),
      )
    }
    const delays = { scope: ALL, ...cut, maxRows: 10_000 }
    expect(await influx.reader.delays(delays)).toEqual(await duckdb.reader.delays(delays))
    await duckdb.upkeep.close()
  })

  it('stay when their minutes go, and take in what comes later', async () => {
    const retention = { ...RETENTION, minuteDays: 1 }
    const { store } = await place.open({ retention })
    const rows = randomFleet({ seed: 41, messages: 400, stepNs: 30n * SECOND_NS })
    await writeAll(store, rows)
    await store.upkeep.maintain(DAY_START_NS + 12n * HOUR_NS)
    const hours = await rolledHours()
    const minutes = await countOf('counts_minute')
    expect(hours).toBeGreaterThan(0)
    expect(minutes).toBeGreaterThan(hours)
    const before = await figuresOf(store, { everyNs: HOUR_NS })

    // A late reading changes a minute of an hour that was made already: it is made again.
    const late = { flags: FLAGS.late, bytes: 50, kind: 'truck' as const, seq: null }
    const at = { timeNs: DAY_START_NS + 100n * SECOND_NS }
    await writeAll(store, [reading(401, { ...late, ...at })])
    await store.upkeep.maintain(DAY_START_NS + 13n * HOUR_NS)
    expect(await rolledHours()).toBeLessThanOrEqual(hours + 1)
    const after = await figuresOf(store, { everyNs: HOUR_NS })
    expect(volumeOf(after)).toEqual({
      ...volumeOf(before),
      readings: volumeOf(before).readings + 1,
    })
    const all = await figuresOf(store)

    // The minutes are removed; what comes even later is added to the hours.
    await store.upkeep.maintain(DAY_START_NS + 4n * DAY_NS)
    expect(await countOf('counts_minute')).toBe(0)
    expect((await figuresOf(store)).throughput).toEqual(all.throughput)
    expect(sorted((await figuresOf(store)).loss)).toEqual(sorted(all.loss))
    await writeAll(store, [reading(402, { ...late, timeNs: at.timeNs + 1n })])
    await store.upkeep.maintain(DAY_START_NS + 4n * DAY_NS + HOUR_NS)
    const last = await figuresOf(store)
    expect(volumeOf(last).readings).toBe(volumeOf(all).readings + 1)
  })

  it('of two intakes on one database add up, and a loss of one is not made good by the other', async () => {
    const journal = '0a0a0a0a-0000-4000-8000-000000000009'
    const other = createInfluxPlace(server)
    const { database } = place.settings
    const { store: one } = await place.open()
    const { store: two } = await other.open({ journal }, { database })
    const device = { device: 'borg.t7' }
    await writeAll(one, readingsFrom(1, 100))
    const theirs = [...readingsFrom(1, 30, device), ...readingsFrom(41, 60, device)]
    await two.writer.write({ journal, toPosition: 60, readings: theirs })
    for (const store of [one, two]) await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
    const by = ['device'] as const
    const results = await Promise.all([one, two].map((store) => figuresOf(store, { by })))
    expect(results[0]?.throughput).toEqual(results[1]?.throughput)
    const found = results[0]?.throughput.map(({ group, readings }) => [group.device, readings])
    expect(found).toEqual([
      ['acme.t1', 100],
      ['borg.t7', 50],
    ])
    expect(results[1]?.loss.map(({ lost }) => lost)).toEqual([0, 10])
    await other.close()
  })

  it('do not decide about the file of readings: it is that of the embedded store', async () => {
    const rows = randomFleet({ seed: 43, messages: 500 })
    const { store: influx } = await place.open()
    const { store: duckdb } = await openStore(storeOptions(dir))
    for (const store of [influx, duckdb]) await writeAll(store, rows, 100)
    const scan = {
      scope: ALL,
      kind: 'truck' as const,
      fields: null,
      maxRows: 5000,
      ...WIDE,
      channelSalt: 'a salt',
      names: [
        { device: 'acme.t1', shown: 'A', tenant: 'one' },
        { device: 'acme.t2', shown: 'B', tenant: 'two' },
      ],
    }
    const paths = ['influx', 'duckdb'].map((name) => join(dir, `${name}.parquet`))
    const [ours, theirs] = paths as [string, string]
    const file = await influx.files.readingsFile({ ...scan, path: ours })
    await duckdb.files.readingsFile({ ...scan, path: theirs })
    expect(file.rows).toBeGreaterThan(100)
    expect(await rowsIn(ours)).toEqual(await rowsIn(theirs))
    expect(await influx.files.readingDevices({ ...scan, path: '' })).toEqual(
      await duckdb.files.readingDevices({ ...scan, path: '' }),
    )
    const some = { ...scan, rats: ['nr-sa', 'none'] as const }
    const filtered = await influx.files.readingsFile({ ...some, path: ours })
    await duckdb.files.readingsFile({ ...some, path: theirs })
    expect(filtered.rows).toBeGreaterThan(10)
    expect(filtered.rows).toBeLessThan(file.rows)
    expect(await rowsIn(ours)).toEqual(await rowsIn(theirs))
    const tooMany = influx.files.readingsFile({ ...scan, maxRows: 10, path: ours })
    await expect(tooMany).rejects.toMatchObject({ code: 'EXPORT_TOO_LARGE' })
    await duckdb.upkeep.close()
  })
})

async function allPages(
  scan: (cursor: string | null) => Promise<Page<unknown>>,
): Promise<unknown[]> {
  const rows: unknown[] = []
  let cursor: string | null = null
  do {
    const page: Page<unknown> = await scan(cursor)
    rows.push(...page.data)
    cursor = page.next
  } while (cursor !== null)
  return rows
}

async function rowsIn(path: string): Promise<unknown> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const types = await connection.runAndReadAll(`DESCRIBE SELECT * FROM '${path}'`)
  const rows = await connection.runAndReadAll(`SELECT * FROM '${path}'`)
  const result = [types.getRowsJson(), rows.getRowsJson()]
  connection.closeSync()
  instance.closeSync()
  return result
}

interface Volume {
  readonly throughput: readonly ThroughputRow[]
}

function volumeOf({ throughput }: Volume) {
  return {
    groups: new Set(throughput.map(({ group }) => group.kind)).size,
    readings: throughput.reduce((sum, { readings }) => sum + readings, 0),
  }
}

function sorted<T>(rows: readonly T[]): T[] {
  const text = (row: T) =>
    JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  return rows.toSorted((a, b) => (text(a) < text(b) ? -1 : 1))
}

/** Interpolated percentiles differ in their last digits: those are compared as near, the rest as equal. */
function expectSameLatency(ours: readonly LatencyRow[], theirs: readonly LatencyRow[]): void {
  const near = theirs.map((row) => ({
    ...row,
    percentilesMs: row.percentilesMs.map(nearTo),
  }))
  expect(ours).toEqual(near)
}

function nearTo(ms: number | null): unknown {
  return ms === null ? null : expect.closeTo(ms, 6)
}
