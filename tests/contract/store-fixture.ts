import { expect } from 'vitest'
import { latencyRows } from '#lib/kpi/network/latency.ts'
import { lossRows } from '#lib/kpi/network/loss.ts'
import { throughputRows } from '#lib/kpi/network/throughput.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import type { StoreOptions } from '#lib/store/options.ts'
import type { OpenedStore, Store } from '#lib/store/store.ts'
import { flagNames } from '#lib/telemetry/flags.ts'
import type { FigureScan, LatencyScan, ReadingsScan } from '#lib/store/scans.ts'
import type { Reading, ReadingRow } from '#lib/telemetry/reading.ts'
import type { Page } from '#lib/telemetry/page.ts'
import type { Scope } from '#lib/telemetry/scope.ts'
import { DAY_NS, DAY_START_NS, JOURNAL, batchesOf } from './store-rows.ts'

/** A place for one store: opened again and again by a test, and then removed. */
export interface StorePlace {
  open(over?: Partial<StoreOptions>): Promise<OpenedStore>
  remove(): void
}

export const ALL: Scope = { tenants: null, devices: null, kinds: null }
export const WIDE = { fromNs: DAY_START_NS - 400n * DAY_NS, toNs: DAY_START_NS + 400n * DAY_NS }

export const LIMITS = { queryTimeoutMs: 20_000, queryConcurrency: 2, queryQueue: 200 }
export const RETENTION = { fleetDays: 90, meteringDays: 3650, minuteDays: 90, hourDays: 1825 }

export function storeOptions(dir: string, over: Partial<StoreOptions> = {}): StoreOptions {
  return {
    url: 'duckdb:',
    dir,
    journal: JOURNAL,
    journalLast: 1e9,
    expected: {},
    retention: RETENTION,
    limits: LIMITS,
    clock: systemClock,
    log: createLog('silent'),
    ...over,
  }
}

/** The seed of a random test: `SEED=... npx vitest` runs a failed one again. */
export function seedOfRun(): number {
  const given = process.env['SEED']
  return given ? Number(given) : Math.floor(Math.random() * 2 ** 31)
}

export async function writeAll(store: Store, rows: readonly Reading[], messages = 50) {
  for (const batch of batchesOf(rows, messages)) await store.writer.write(batch)
}

const KINDS = ['truck', 'robot', 'radio', 'probe', 'heat_meter', 'energy_meter'] as const

/** Every row of every kind, read page by page. */
export async function readAll(
  store: Store,
  over: Partial<ReadingsScan> = {},
): Promise<ReadingRow[]> {
  const rows: ReadingRow[] = []
  for (const kind of over.kind ? [over.kind] : KINDS) {
    const query = { scope: ALL, ...WIDE, fields: null, order: 'asc', limit: 5000, cursor: null }
    const scan = { ...query, kind, ...over } as ReadingsScan
    let cursor: string | null = null
    do {
      const page: Page<ReadingRow> = await store.reader.readings({ ...scan, cursor })
      rows.push(...page.data)
      cursor = page.next
    } while (cursor !== null)
  }
  return rows.toSorted((a, b) => a.position - b.position || a.readingOrdinal - b.readingOrdinal)
}

export const PERCENTILES = [50, 95, 99] as const

/** Latency as `/kpi/latency` gives it: exact where the store can, else of buckets. */
export async function latencyOf({ reader, exact }: Store, scan: LatencyScan, signal?: AbortSignal) {
  const wanted = { ...scan, percentiles: PERCENTILES }
  const rows = await exact?.exactLatency(wanted, signal)
  return rows ?? latencyRows(await reader.latencyBuckets(wanted, signal), PERCENTILES)
}

export async function throughputOf({ reader }: Store, scan: FigureScan) {
  return throughputRows(await reader.counts(scan), scan)
}

export async function lossOf({ reader }: Store, scan: FigureScan) {
  return lossRows(await reader.sequenceRuns(scan))
}

/** A reading as the store should show it. */
export function shown(row: Reading): ReadingRow {
  const {
    timeNs,
    device,
    kind,
    channel,
    seq,
    receivedAtNs,
    claimedTimeNs,
    position,
    readingOrdinal,
    fields,
    radio,
  } = row
  const flags = flagNames(row.flags)
  return {
    timeNs,
    device,
    kind,
    channel,
    seq,
    receivedAtNs,
    claimedTimeNs,
    position,
    readingOrdinal,
    flags,
    fields,
    radio,
  }
}

export async function expectRows(store: Store, rows: readonly Reading[]): Promise<void> {
  const sorted = rows.toSorted(
    (a, b) => a.position - b.position || a.readingOrdinal - b.readingOrdinal,
  )
  expect(await readAll(store)).toEqual(sorted.map(shown))
}
