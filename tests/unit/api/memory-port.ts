import { setImmediate as nextTurn } from 'node:timers/promises'
import { QUERIES, type QueryName, type QueryOf, type ResultOf } from '#lib/queries/catalogue.ts'
import type { DeliveryCounts, IntakeStateReader } from '#lib/queries/intake-state.ts'
import type { IngestPort, ReplayCounts } from '#lib/queries/port.ts'
import type { AnyQuery, QueryContext } from '#lib/queries/query.ts'
import type { LatencyRow } from '#lib/kpi/network/latency.ts'
import type { SequenceRow } from '#lib/kpi/network/loss.ts'
import type { CountRow } from '#lib/kpi/network/throughput.ts'
import type { AggregateRow } from '#lib/store/scans.ts'
import type { ExactLatency, StoreReader } from '#lib/store/store.ts'
import type { ConformanceReport } from '#lib/telemetry/conformance.ts'
import type { Page } from '#lib/telemetry/page.ts'
import type { IngestStatus } from '#lib/telemetry/readiness.ts'
import type { LastValue, ReadingRow } from '#lib/telemetry/reading.ts'
import type { RejectionRow } from '#lib/telemetry/rejection.ts'
import { inScope, type Scope } from '#lib/telemetry/scope.ts'
import type { DelayRow } from '#lib/telemetry/delay.ts'
import { isTooMany, type TooMany } from '#lib/telemetry/too-many.ts'
import { NOON_NS } from './rows.ts'

/** Rows that a test made; a query gets those of them that lie in its scope. */
export interface MemoryRows {
  readings: ReadingRow[]
  aggregates: AggregateRow[]
  lastValues: LastValue[]
  delivery: DeliveryCounts[]
  rejections: RejectionRow[]
  latency: LatencyRow[]
  throughput: CountRow[]
  loss: SequenceRow[]
  recoveredHeat: ResultOf<'recoveredHeat'>
  delays: DelayRow[] | TooMany
  conformance: ConformanceReport
  status: IngestStatus
  replayed: ReplayCounts
}

export interface MemoryPort extends IngestPort {
  readonly rows: MemoryRows
  /** Every call of the port, in order. */
  readonly received: { readonly name: string; readonly query: unknown }[]
  /** Looks at each call first: may throw, or wait for the signal. */
  before: (name: string, signal?: AbortSignal) => Promise<void>
  /** Gives rows of everybody, as a broken ingest role would. */
  ignoresScope: boolean
}

/** An ingest role whose store and state are a few arrays; queries run as they do on the worker. */
export function createMemoryPort(given: Partial<MemoryRows> = {}): MemoryPort {
  const rows: MemoryRows = { ...emptyRows(), ...given }
  const sees: Sees = (scope, row) => {
    if (port.ignoresScope) return true
    if (row.device && !inScope(scope, row.device)) return false
    return !row.kind || !scope.kinds || scope.kinds.some((kind) => kind === row.kind)
  }
  const call = async <T>(
    name: string,
    query: unknown,
    signal: AbortSignal | undefined,
    respond: () => T | Promise<T>,
  ): Promise<T> => {
    port.received.push({ name, query })
    await port.before(name, signal)
    return await respond()
  }
  const parts = {
    store: memoryStore(rows, sees),
    exact: memoryLatency(rows, sees),
    state: memoryState(rows, sees, () => port.ignoresScope),
  }
  const port: MemoryPort = {
    rows,
    received: [],
    before: async () => {},
    ignoresScope: false,
    query: <N extends QueryName>(name: N, query: QueryOf<N>, signal?: AbortSignal) =>
      call(name, query, signal, () => resultOf(name, query, { rows, sees, parts })),
    since: (scan, signal) =>
      call('since', scan, signal, () => ({ data: [], receivedFromNs: null })),
    readingDevices: (scan, signal) => call('readingDevices', scan, signal, () => []),
    readingsFile: (scan, signal) =>
      call('readingsFile', scan, signal, () => {
        throw new Error('a store of arrays writes no files')
      }),
    replay: (request, signal) => call('replay', request, signal, () => rows.replayed),
    status: (signal) => call('status', null, signal, () => rows.status),
  }
  return port
}

type Sees = (scope: Scope, row: { device?: string | null; kind?: string | null }) => boolean

interface Parts {
  readonly rows: MemoryRows
  readonly sees: Sees
  readonly parts: Pick<QueryContext, 'store' | 'exact' | 'state'>
}

/** Heat is given as a result; everything else is computed from the rows. */
async function resultOf<N extends QueryName>(
  name: N,
  query: QueryOf<N>,
  { rows, sees, parts }: Parts,
): Promise<ResultOf<N>> {
  const { scope } = query
  if (name === 'recoveredHeat') {
    const result = rows.recoveredHeat
    if (isTooMany(result)) return result as ResultOf<N>
    const findings = result.findings.filter((row) => sees(scope, row))
    return { ...result, findings } as ResultOf<N>
  }
  const definition: AnyQuery = QUERIES[name]
  const { signal } = new AbortController()
  const context = { ...parts, timezone: 'Europe/Copenhagen', nowNs: () => NOON_NS, signal }
  const result = await definition.answer(
    { ...context, yieldToEventLoop: () => nextTurn(undefined) },
    query,
  )
  // The result of the query with this name.
  return result as ResultOf<N>
}

function memoryStore(rows: MemoryRows, sees: Sees): StoreReader {
  return {
    readings: async (scan) => {
      const found = rows.readings
        .filter((row) => row.kind === scan.kind && sees(scan.scope, row))
        .filter(({ timeNs }) => timeNs >= scan.fromNs && timeNs < scan.toNs)
        .toSorted((a, b) => Number(a.timeNs - b.timeNs))
      return pageOf(scan.order === 'asc' ? found : found.toReversed(), scan)
    },
    aggregates: async (scan) =>
      pageOf(
        rows.aggregates.filter((row) => row.kind === scan.kind && sees(scan.scope, row)),
        scan,
      ),
    since: async () => ({ data: [], receivedFromNs: null }),
    latencyBuckets: async () => [],
    counts: async ({ scope }) => rows.throughput.filter(({ group }) => sees(scope, group)),
    sequenceRuns: async ({ scope }) => rows.loss.filter(({ group }) => sees(scope, group)),
    registers: async () => [],
    delays: async ({ scope }) =>
      Array.isArray(rows.delays) ? rows.delays.filter((row) => sees(scope, row)) : rows.delays,
  }
}

function memoryLatency(rows: MemoryRows, sees: Sees): ExactLatency {
  return {
    exactLatency: async ({ scope, stages }) =>
      rows.latency.filter(({ group, stage }) => stages.includes(stage) && sees(scope, group)),
  }
}

function memoryState(rows: MemoryRows, sees: Sees, ignoresScope: () => boolean): IntakeStateReader {
  return {
    lastValues: (scope) => rows.lastValues.filter((row) => sees(scope, row)),
    delivery: async (scope) => rows.delivery.filter((row) => sees(scope, row)),
    stageBuckets: () => [],
    rejections: (scan) =>
      pageOf(
        rows.rejections
          .filter((row) => sees(scan.scope, row))
          .filter(({ reason }) => scan.reasons?.includes(reason) ?? true),
        scan,
      ),
    rejectionGroups: ({ scope, reasons }) =>
      rows.rejections
        .filter((row) => sees(scope, row))
        .filter(({ reason }) => reasons?.includes(reason) ?? true)
        .map(({ reason, device, timeNs }) => {
          const group = { reason, device }
          return { group, count: 1, recovered: 0, firstNs: timeNs, lastNs: timeNs }
        }),
    conformance: async (device) =>
      ignoresScope() ? rows.conformance : { ...rows.conformance, device },
    heat: { devices: () => [] },
  }
}

/** The cursor is the row number: readable, so a test can see whether it leaks. */
function pageOf<T>(
  rows: readonly T[],
  { cursor, limit }: { readonly cursor: string | null; readonly limit: number },
): Page<T> {
  const from = cursor === null ? 0 : Number(cursor.replace('row-', ''))
  const data = rows.slice(from, from + limit)
  return { data, next: from + limit < rows.length ? `row-${from + limit}` : null }
}

const CONFORMANCE: ConformanceReport = {
  device: 'gamma.t9',
  findings: [],
  facts: {
    kind: 'truck',
    registeredFormat: 'native',
    lastFormat: null,
    lastTopic: null,
    firstReceivedAtNs: null,
    lastReceivedAtNs: null,
    read: 0,
    stored: 0,
    rejected: 0,
    duplicate: 0,
    clock: null,
    sequence: null,
    rate: null,
    transport: null,
    certificate: null,
    flags: {},
    unknownFields: {},
  },
}

function emptyRows(): MemoryRows {
  return {
    readings: [],
    aggregates: [],
    lastValues: [],
    delivery: [],
    rejections: [],
    latency: [],
    throughput: [],
    loss: [],
    recoveredHeat: {
      rows: [],
      findings: [],
      findingsTotal: 0,
      coverage: null,
      meters: 0,
      metersWithoutRole: 0,
      timeZone: 'Europe/Copenhagen',
    },
    delays: [],
    conformance: CONFORMANCE,
    status: {
      journal: '11111111-2222-4333-8444-555555555555',
      durable: 7,
      written: 7,
      lagMessages: 0,
      lagMs: 0,
      problems: [],
      warnings: [],
    },
    replayed: { recovered: 1, again: 0, duplicate: 0 },
  }
}
