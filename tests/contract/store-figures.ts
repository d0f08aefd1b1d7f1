import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  BUCKET_RELATIVE_ERROR,
  bucketOf,
  countBuckets,
  percentilesOfBuckets,
} from '#lib/kpi/buckets.ts'
import { type LatencyRow, ageMs, latencyFigures } from '#lib/kpi/network/latency.ts'
import { type LossRow, addLossSample, createLossState } from '#lib/kpi/network/loss.ts'
import { type ThroughputRow, rates } from '#lib/kpi/network/throughput.ts'
import type { Store } from '#lib/store/store.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import {
  ALL,
  RETENTION,
  WIDE,
  latencyOf,
  lossOf,
  readAll,
  seedOfRun,
  throughputOf,
  type StorePlace,
  writeAll,
  PERCENTILES,
} from './store-fixture.ts'
import {
  DAY_NS,
  DAY_START_NS,
  HOUR_NS,
  MINUTE_NS,
  SECOND_NS,
  randomFleet,
  reading,
} from './store-rows.ts'

const STAGES = ['age', 'uplink', 'rtt'] as const
const span = { scope: ALL, ...WIDE, everyNs: null }

interface Figures {
  readonly latency: readonly LatencyRow[]
  readonly throughput: readonly ThroughputRow[]
  readonly loss: readonly LossRow[]
}

async function readFigures(store: Store, over: object = {}): Promise<Figures> {
  const query = { ...span, by: ['device', 'rat'] as const, ...over }
  return {
    latency: await latencyOf(store, { ...query, stages: STAGES }),
    throughput: await throughputOf(store, query),
    loss: await lossOf(store, { ...query, by: ['device'] }),
  }
}

/** Figures are sums and percentiles of per-device series: each is compared with its plain formula. */
export function figuresContract(create: () => StorePlace): void {
  describe('figures', () => {
    let place: StorePlace
    let store: Store

    beforeEach(async () => {
      place = create()
      store = (await place.open()).store
    })
    afterEach(async () => {
      await store.upkeep.close()
      place.remove()
    })

    const startEmpty = async (over = {}) => {
      await store.upkeep.close()
      place.remove()
      place = create()
      store = (await place.open(over)).store
    }

    const overFleets = (check: (rows: Reading[], seed: number) => Promise<void>, runs = 5) =>
      fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 - 1 }), async (seed) => {
          await check(randomFleet({ seed, messages: 250 }), seed)
        }),
        { numRuns: runs, seed: seedOfRun(), endOnFailure: true },
      )

    it('are those of lib/kpi, before and after the roll-up, whatever the batches', async () => {
      await overFleets(async (rows, seed) => {
        await startEmpty()
        const half = 1 + (seed % 240)
        await writeAll(
          store,
          rows.filter(({ position }) => position <= half),
          1 + (seed % 90),
        )
        await store.upkeep.maintain(DAY_START_NS + DAY_NS)
        await writeAll(
          store,
          rows.filter(({ position }) => position > half),
          1 + (seed % 70),
        )
        const before = await readFigures(store)
        expectLatency(before.latency, rows)
        expectThroughput(before.throughput, rows)
        expectLoss(before.loss, rows)
        await store.upkeep.maintain(DAY_START_NS + 2n * DAY_NS)
        expect(await readFigures(store)).toEqual(before)
      })
    })

    it('have the percentiles of all buckets, however the store thins them', async () => {
      await overFleets(async (rows, seed) => {
        await startEmpty()
        await writeAll(store, rows, 1 + (seed % 90))
        const percentiles = [0, 50, 95, 99, 100]
        const query = { ...span, by: ['device', 'rat'] as const, stages: STAGES, percentiles }
        for (let round = 0; round < 2; round += 1) {
          const found = await store.reader.latencyBuckets(query)
          for (const { group, stage, buckets } of found) {
            const values = rows
              .filter((row) => keyOf(groupOf(row)) === keyOf(group))
              .flatMap((row) => stageValue(row, stage as (typeof STAGES)[number]) ?? [])
            const wanted = values.map((ms) => ({ bucket: bucketOf(ms), n: 1 }))
            expect(percentilesOfBuckets(buckets, percentiles)).toEqual(
              percentilesOfBuckets(wanted, percentiles),
            )
            expect(countBuckets(buckets).n).toBe(values.length)
          }
          expect(found.length).toBeGreaterThan(0)
          await store.upkeep.maintain(DAY_START_NS + DAY_NS)
        }
      })
    })

    it('of intervals and of cut spans do not change with the roll-up', async () => {
      await overFleets(async (rows, seed) => {
        await startEmpty()
        await writeAll(store, rows)
        const cut = {
          fromNs: DAY_START_NS - HOUR_NS + BigInt(seed % 1000) * SECOND_NS,
          toNs: DAY_START_NS + HOUR_NS / 3n + BigInt(seed % 777) * SECOND_NS,
        }
        for (const everyNs of [null, 10n * SECOND_NS, MINUTE_NS, 5n * MINUTE_NS, HOUR_NS]) {
          const query = { ...cut, everyNs, by: ['tenant', 'kind', 'cell'] }
          const before = await readFigures(store, query)
          const counted = before.throughput.reduce((sum, row) => sum + row.readings, 0)
          expect(counted).toBe(volumeOf(within(rows, cut)).readings)
          await store.upkeep.maintain(DAY_START_NS + 5n * DAY_NS)
          expect(await readFigures(store, query)).toEqual(before)
        }
      }, 3)
    })

    it('stay with all raw rows while nobody knows what time it is', async () => {
      await startEmpty({ retention: { ...RETENTION, fleetDays: 1, minuteDays: 1 } })
      const rows = randomFleet({ seed: 4713, messages: 100 })
      await writeAll(store, rows)
      await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
      const before = await readFigures(store, { by: ['kind'] })
      const farNs = DAY_START_NS + 4000n * DAY_NS
      expect((await store.upkeep.maintain(farNs, null)).droppedPartitions).toEqual([])
      expect(await readFigures(store, { by: ['kind'] })).toEqual(before)
      expect(await readAll(store)).toHaveLength(rows.length)
    })

    it('are made again soon after a clock that was ahead is right again', async () => {
      await startEmpty()
      const rows = randomFleet({ seed: 4714, messages: 50 })
      await writeAll(store, rows)
      await store.upkeep.maintain(DAY_START_NS + 4000n * DAY_NS, null)
      await writeAll(store, randomFleet({ seed: 4715, messages: 50, firstPosition: 51 }))
      const report = await store.upkeep.maintain(DAY_START_NS + HOUR_NS, null)
      // What is checkpointed no longer needs the journal.
      expect(report).toMatchObject({ behind: 0, checkpointed: 100 })
    })

    it('survive the raw rows: percentiles then come from buckets', async () => {
      await startEmpty({ retention: { ...RETENTION, fleetDays: 1 } })
      const fleet = (seed: number, firstPosition: number, startNs: bigint) =>
        randomFleet({ seed, messages: 250, firstPosition, startNs }).filter(
          ({ kind }) => kind !== 'heat_meter',
        )
      const old = fleet(4711, 1, DAY_START_NS)
      await writeAll(store, old)
      await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
      const before = await readFigures(store, { by: ['kind', 'operator'] })
      const young = fleet(4712, 251, DAY_START_NS + 3n * DAY_NS)
      await writeAll(store, young)
      const all = await readFigures(store, { by: ['kind', 'operator'] })
      const report = await store.upkeep.maintain(DAY_START_NS + 3n * DAY_NS + 2n * HOUR_NS)
      expect(report.droppedPartitions).toEqual(['fleet-2026-11-24'])
      const after = await readFigures(store, { by: ['kind', 'operator'] })
      expect(after.throughput).toEqual(all.throughput)
      expect(after.loss).toEqual(all.loss)
      expect(after.latency.map(({ n }) => n)).toEqual(all.latency.map(({ n }) => n))
      for (const [at, row] of after.latency.entries()) {
        const exact = all.latency[at]
        expect(row.method).toBe('histogram')
        expect(row.maxMs).toBe(exact?.maxMs)
        expect(row.negative).toBe(exact?.negative)
        expect(row.clockBoundMs).toBe(exact?.clockBoundMs)
        for (const [nth, ms] of row.percentilesMs.entries()) {
          const value = exact?.percentilesMs[nth] ?? Number.NaN
          const off = Math.abs((ms ?? Number.NaN) - value)
          // Between two neighbours of different size the error is that of the larger one.
          const size = Math.max(Math.abs(value), Math.abs(ms ?? 0), 1)
          expect(off).toBeLessThanOrEqual(size * BUCKET_RELATIVE_ERROR * 1.01)
        }
      }
      expect(before.latency.length).toBeGreaterThan(0)
    })

    it('count late rows in volume only, wherever their minute is by then', async () => {
      const late = { flags: FLAGS.late, bytes: 50 }
      await writeAll(store, [reading(1), reading(2)])
      await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
      const row = reading(3, {
        ...late,
        timeNs: DAY_START_NS,
        receivedAtNs: DAY_START_NS + HOUR_NS,
      })
      await writeAll(store, [row])
      for (let round = 0; round < 2; round += 1) {
        const found = await readFigures(store, { by: [] })
        expect(found.latency.map(({ stage, n }) => [stage, n])).toEqual([['age', 2]])
        expect(found.throughput[0]).toMatchObject({ messages: 3, readings: 3, bytes: 250 })
        await store.upkeep.maintain(DAY_START_NS + 2n * HOUR_NS)
      }
    })

    it('count a round trip whenever it arrives, and say how many came late', async () => {
      const probe = (position: number, rttMs: number, more: Partial<Reading> = {}) =>
        reading(position, {
          kind: 'probe',
          timeNs: DAY_START_NS + BigInt(position) * 1000n,
          fields: { rttMs },
          ...more,
        })
      const late = { flags: FLAGS.late, receivedAtNs: DAY_START_NS + HOUR_NS }
      await writeAll(store, [probe(1, 10), probe(2, 12), probe(3, 14, { flags: FLAGS.not_live })])
      await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
      await writeAll(store, [probe(4, 9200, late)])
      for (let round = 0; round < 3; round += 1) {
        const { latency } = await readFigures(store, { by: [] })
        expect(latency.map(({ stage, n, late: lateN }) => [stage, n, lateN])).toEqual([
          ['age', 2, 0],
          ['rtt', 3, 1],
        ])
        const stages = ['rtt'] as const
        const query = { ...span, scope: ALL, by: [], everyNs: null, stages, percentiles: [50] }
        const [buckets] = await store.reader.latencyBuckets(query)
        expect(buckets).toMatchObject({ stage: 'rtt', late: 1, maxMs: 9200 })
        await store.upkeep.maintain(DAY_START_NS + BigInt(round + 2) * HOUR_NS)
      }
    })

    it('lose a number once, and only until it arrives', async () => {
      const at = (position: number, seq: number) => reading(position, { seq })
      const loss = async () => {
        const rows = await lossOf(store, { ...span, by: ['device'] })
        return rows.map(({ expected, received, lost, restarts }) => [
          expected,
          received,
          lost,
          restarts,
        ])
      }
      await writeAll(store, [at(1, 100), at(2, 101), at(3, 104)])
      expect(await loss()).toEqual([[5, 3, 2, 0]])
      await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
      await writeAll(store, [at(4, 103)])
      expect(await loss()).toEqual([[5, 4, 1, 0]])
      await store.upkeep.maintain(DAY_START_NS + 2n * HOUR_NS)
      await writeAll(store, [at(5, 0), at(6, 1)])
      expect(await loss()).toEqual([[7, 6, 1, 1]])
    })

    it('see a channel as one series, whatever kinds of partition its readings are in', async () => {
      const meter = { device: 'acme.m1', kind: 'heat_meter' as const, fields: { energyKwh: 1 } }
      const rows = [1, 2, 3, 4].map((n) =>
        reading(n, n % 2 === 0 ? meter : { device: 'acme.m1', kind: 'radio', fields: {} }),
      )
      await writeAll(store, rows, 1)
      const found = await lossOf(store, { ...span, by: [] })
      expect(found).toMatchObject([{ received: 4, lost: 0, restarts: 0 }])
    })
  })
}

function within(rows: readonly Reading[], { fromNs, toNs }: { fromNs: bigint; toNs: bigint }) {
  return rows.filter(({ timeNs }) => timeNs >= fromNs && timeNs < toNs)
}

function grouped<T>(rows: readonly T[], key: (row: T) => string): Map<string, T[]> {
  return Map.groupBy(rows, key)
}

const keyOf = (group: { device?: string | null; rat?: string | null }) =>
  JSON.stringify([group.device, group.rat])
const groupOf = (row: Reading) => ({ device: row.device, rat: row.radio?.rat ?? null })

function stageValue(row: Reading, stage: (typeof STAGES)[number]): number | null {
  const { rttMs } = row.fields
  const never = FLAGS.late | FLAGS.clock_invalid | FLAGS.not_live
  // A round trip, by the clock of the probe, counts whenever it arrives.
  if (stage === 'rtt') {
    return typeof rttMs === 'number' && (row.flags & FLAGS.not_live) === 0 ? rttMs : null
  }
  if ((row.flags & never) !== 0) return null
  if (stage === 'uplink') return row.uplinkMs
  return ageMs(row.receivedAtNs, row.timeNs)
}

function expectLatency(found: readonly LatencyRow[], rows: readonly Reading[]): void {
  let wanted = 0
  for (const [key, group] of grouped(rows, (row) => keyOf(groupOf(row)))) {
    for (const stage of STAGES) {
      const counted = group.filter((row) => stageValue(row, stage) !== null)
      if (counted.length === 0) continue
      wanted += 1
      const values = counted.map((row) => stageValue(row, stage) ?? 0)
      const figures = latencyFigures(values, PERCENTILES)
      const row = found.find((one) => one.stage === stage && keyOf(one.group) === key)
      const { n, maxMs, negative } = figures
      const late = counted.filter(({ flags }) => (flags & FLAGS.late) !== 0).length
      expect(row).toMatchObject({ n, maxMs, negative, late })
      for (const [nth, ms] of figures.percentilesMs.entries()) {
        expect(row?.percentilesMs[nth]).toBeCloseTo(ms ?? Number.NaN, 9)
      }
      const bounds = counted.map(({ clockBoundMs }) => clockBoundMs ?? 0)
      expect(row?.clockBoundMs).toBe(stage === 'uplink' ? Math.max(...bounds) : null)
    }
  }
  expect(found).toHaveLength(wanted)
}

function volumeOf(rows: readonly Reading[]) {
  const live = rows.filter(({ flags }) => (flags & FLAGS.not_live) === 0)
  return {
    messages: live.filter(({ bytes }) => bytes > 0).length,
    readings: live.length,
    bytes: live.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

function expectThroughput(found: readonly ThroughputRow[], rows: readonly Reading[]): void {
  const groups = [...grouped(rows, (row) => keyOf(groupOf(row)))].filter(
    ([, group]) => volumeOf(group).readings > 0,
  )
  expect(found).toHaveLength(groups.length)
  for (const [key, group] of groups) {
    const row = found.find((one) => keyOf(one.group) === key)
    const volume = volumeOf(group)
    const wanted = { ...volume, ...rates(volume, WIDE.toNs - WIDE.fromNs) }
    expect(row).toMatchObject(wanted)
  }
}

const nothing = { expected: 0, received: 0, lost: 0, restarts: 0 }

function expectLoss(found: readonly LossRow[], rows: readonly Reading[]): void {
  for (const [device, series] of grouped(rows, ({ device }) => device)) {
    let [received, lost, restarts] = [0, 0, 0]
    for (const [, one] of grouped(series, ({ channel }) => channel)) {
      const figures = one.reduce((state, { seq, flags }) => {
        return seq === null ? state : addLossSample(state, seq, (flags & FLAGS.not_live) === 0)
      }, createLossState())
      received += figures.received
      lost += figures.lost
      restarts += figures.restarts
    }
    const row = found.find(({ group }) => group.device === device)
    const expected = received + lost
    expect(row ?? nothing).toMatchObject({ expected, received, lost, restarts })
  }
}
