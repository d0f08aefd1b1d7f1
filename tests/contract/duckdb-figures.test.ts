import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStore } from '#lib/store/open.ts'
import type { StoreOptions } from '#lib/store/options.ts'
import type { Store } from '#lib/store/store.ts'
import type { LatencyRow } from '#lib/kpi/network/latency.ts'
import type { Grouping } from '#lib/telemetry/grouping.ts'
import {
  ALL,
  RETENTION,
  WIDE,
  latencyOf,
  storeOptions,
  throughputOf,
  writeAll,
} from './store-fixture.ts'
import { DAY_NS, DAY_START_NS, HOUR_NS, MINUTE_NS, SECOND_NS, randomFleet } from './store-rows.ts'

const STAGES = ['age', 'uplink', 'rtt'] as const

interface Wanted {
  readonly by?: readonly Grouping[]
  readonly everyNs?: bigint | null
  readonly fromNs?: bigint
  readonly toNs?: bigint
  readonly devices?: readonly string[]
}

/** What a grouping counts, as text: independent of the order of rows. */
function counted(rows: readonly LatencyRow[]): readonly string[] {
  return rows
    .map(({ group, timeNs, stage, n, negative, maxMs }) =>
      JSON.stringify([group, String(timeNs), stage, n, negative, maxMs]),
    )
    .toSorted()
}

describe('the figures file', () => {
  let dir = ''
  let store: Store

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'padborg-figures-'))
  })
  afterEach(async () => {
    await store.upkeep.close()
    rmSync(dir, { recursive: true, force: true })
  })

  const open = async (over: Partial<StoreOptions> = {}) => {
    store = (await openStore(storeOptions(dir, over))).store
  }
  const latency = ({ devices, by = ['device'], everyNs = null, ...span }: Wanted = {}) =>
    latencyOf(store, {
      ...WIDE,
      ...span,
      scope: devices ? { ...ALL, devices } : ALL,
      by,
      everyNs,
      stages: STAGES,
    })
  const fleet = (seed: number, firstPosition: number, startNs: bigint) =>
    randomFleet({ seed, messages: 250, firstPosition, startNs, stepNs: 30n * SECOND_NS }).filter(
      ({ kind }) => kind !== 'heat_meter',
    )

  // Raw rows stand for the minutes of single devices; when they go first, the minutes are made of them.
  it.each([
    { minuteDays: 90, steps: [null, HOUR_NS, MINUTE_NS] },
    { minuteDays: 1, steps: [null, HOUR_NS] },
  ])(
    'has the latency of single devices after their raw rows, by minutes kept for $minuteDays days',
    async ({ minuteDays, steps }) => {
      await open({ retention: { ...RETENTION, fleetDays: 1, minuteDays } })
      await writeAll(store, fleet(4711, 1, DAY_START_NS))
      await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
      await writeAll(store, fleet(4712, 251, DAY_START_NS + 3n * DAY_NS))
      const scans = steps.flatMap((everyNs) => [
        { everyNs },
        { everyNs, devices: ['acme.t1', 'borg.r1'] },
        { everyNs, by: ['kind', 'device'] as const, toNs: DAY_START_NS + HOUR_NS },
      ])
      const results = () => Promise.all(scans.map((scan) => latency(scan).then(counted)))
      const before = await results()
      const report = await store.upkeep.maintain(DAY_START_NS + 3n * DAY_NS + 4n * HOUR_NS)
      expect(report.droppedPartitions).toEqual(['fleet-2026-11-24'])
      const after = await results()
      expect(after).toEqual(before)
      expect(after[0]?.length).toBeGreaterThan(0)
      await store.upkeep.close()
      await open({ retention: { ...RETENTION, fleetDays: 1, minuteDays } })
      expect(await results()).toEqual(before)
    },
  )

  it('counts an hour that retention has cut where the hour begins', async () => {
    await open({ retention: { ...RETENTION, fleetDays: 1, minuteDays: 1 } })
    await writeAll(store, fleet(4713, 1, DAY_START_NS))
    const total = async () => {
      const rows = await latency({ everyNs: MINUTE_NS })
      return rows.reduce((sum, { n }) => sum + n, 0)
    }
    const before = await total()
    const report = await store.upkeep.maintain(
      DAY_START_NS + DAY_NS + 2n * HOUR_NS + 40n * MINUTE_NS,
    )
    expect(report.droppedPartitions).toEqual(['fleet-2026-11-24'])
    expect(await total()).toBe(before)
  })

  it('of an older program gets the figures of tenants, made of those of their devices', async () => {
    await open({ retention: { ...RETENTION, fleetDays: 1 } })
    await writeAll(store, fleet(7, 1, DAY_START_NS))
    await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
    const wanted = [{ by: ['kind'] as const }, { by: ['tenant'] as const, everyNs: HOUR_NS }, {}]
    const results = () => Promise.all(wanted.map((scan) => latency(scan).then(counted)))
    const before = await results()
    const volume = { ...WIDE, scope: ALL, by: ['kind'] as const, everyNs: MINUTE_NS }
    const throughput = await throughputOf(store, volume)
    await store.upkeep.close()
    await asBefore(join(dir, 'figures.duckdb'))
    await open({ retention: { ...RETENTION, fleetDays: 1 } })
    expect(await results()).toEqual(before)
    expect(await throughputOf(store, volume)).toEqual(throughput)
    await writeAll(store, fleet(8, 251, DAY_START_NS + 3n * DAY_NS))
    const all = await results()
    await store.upkeep.maintain(DAY_START_NS + 3n * DAY_NS + 4n * HOUR_NS)
    expect(await results()).toEqual(all)
    expect(all).not.toEqual(before)
  })
})

/** Takes out what the last program but one did not have, and puts in what it had. */
async function asBefore(path: string): Promise<void> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const tables = ['minute', 'hour'].flatMap((step) =>
    ['counts', 'latency'].map((what) => `f.${step}_tenant_${what}`),
  )
  const minutes = `INSERT INTO f.minute_latency SELECT time_ns, upto, tenant || '.x', kind, rat, cell,
    operator, band, stage, bucket, n, negative, max_ms, bound_ms FROM f.minute_tenant_latency`
  for (const sql of [
    `ATTACH '${path}' AS f`,
    ...['minute', 'hour'].map((step) => `ALTER TABLE f.${step}_latency DROP COLUMN late`),
    minutes,
    ...tables.map((table) => `DROP TABLE ${table}`),
    'ALTER TABLE f.progress DROP COLUMN latency_rolled',
    'CHECKPOINT f',
    'DETACH f',
  ]) {
    await connection.run(sql)
  }
  connection.closeSync()
  instance.closeSync()
}
