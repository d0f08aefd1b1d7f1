import type { ConformanceAnswer } from '#lib/telemetry/conformance.ts'
import type { HeatAnswer } from '#lib/telemetry/heat.ts'
import type {
  AggregateRow,
  DeliveryRow,
  IngestPort,
  IngestStatus,
  LastValue,
  LatencyRow,
  LossRow,
  Page,
  Questions,
  ReadingRow,
  RejectionRow,
  ReplayAnswer,
  Scope,
  ThroughputRow,
} from '#lib/telemetry/questions.ts'
import type { AvailabilityRow, JitterRow, TooMany } from '#lib/telemetry/service.ts'
import { inScope } from '#lib/telemetry/scope.ts'

/** Rows that a test made; whoever asks gets those of them that lie in his scope. */
export interface MemoryRows {
  readings: ReadingRow[]
  aggregates: AggregateRow[]
  lastValues: LastValue[]
  delivery: DeliveryRow[]
  rejections: RejectionRow[]
  latency: LatencyRow[]
  throughput: ThroughputRow[]
  loss: LossRow[]
  heat: HeatAnswer | TooMany
  availability: AvailabilityRow[] | TooMany
  jitter: JitterRow[] | TooMany
  conformance: ConformanceAnswer
  status: IngestStatus
  replayed: ReplayAnswer
}

export interface MemoryPort extends IngestPort {
  readonly rows: MemoryRows
  /** Every question asked, in order. */
  readonly asked: { readonly name: keyof Questions; readonly question: unknown }[]
  /** Looks at each question first: may throw, or wait for the signal. */
  before: (name: keyof Questions, signal?: AbortSignal) => Promise<void>
  /** Answers rows of everybody, as a broken ingest role would. */
  ignoresScope: boolean
}

/** An ingest role whose store is a few arrays. */
export function createMemoryPort(given: Partial<MemoryRows> = {}): MemoryPort {
  const rows: MemoryRows = { ...emptyRows(), ...given }
  const sees = (scope: Scope, row: { device?: string | null; kind?: string | null }) => {
    if (port.ignoresScope) return true
    if (row.device && !inScope(scope, row.device)) return false
    return !row.kind || !scope.kinds || scope.kinds.some((kind) => kind === row.kind)
  }
  const answers: { [K in keyof Questions]: (question: Questions[K][0]) => Questions[K][1] } = {
    readings: (query) => {
      const found = rows.readings
        .filter((row) => row.kind === query.kind && sees(query.scope, row))
        .filter(({ timeNs }) => timeNs >= query.fromNs && timeNs < query.toNs)
        .toSorted((a, b) => Number(a.timeNs - b.timeNs))
      return pageOf(query.order === 'asc' ? found : found.toReversed(), query)
    },
    readingsFile: () => {
      throw new Error('a store of arrays writes no files')
    },
    readingDevices: () => [],
    since: () => ({ data: [], receivedFromNs: null }),
    aggregates: (query) =>
      pageOf(
        rows.aggregates.filter((row) => row.kind === query.kind && sees(query.scope, row)),
        query,
      ),
    lastValues: (scope) => rows.lastValues.filter((row) => sees(scope, row)),
    clocks: () => [],
    conformance: ({ device }) =>
      port.ignoresScope ? rows.conformance : { ...rows.conformance, device },
    delivery: (scope) => rows.delivery.filter((row) => sees(scope, row)),
    rejections: (query) =>
      pageOf(
        rows.rejections
          .filter((row) => sees(query.scope, row))
          .filter(({ reason }) => query.reasons?.includes(reason) ?? true),
        query,
      ),
    rejectionGroups: ({ scope, reasons }) => {
      const seen = rows.rejections.filter((row) => sees(scope, row))
      return seen
        .filter(({ reason }) => reasons?.includes(reason) ?? true)
        .map(({ reason, device, timeNs }) => ({
          group: { reason, device },
          count: 1,
          recovered: 0,
          firstNs: timeNs,
          lastNs: timeNs,
        }))
    },
    replay: () => rows.replayed,
    latency: ({ scope, stages }) =>
      rows.latency.filter(({ group, stage }) => stages.includes(stage) && sees(scope, group)),
    throughput: ({ scope }) => rows.throughput.filter(({ group }) => sees(scope, group)),
    loss: ({ scope }) => rows.loss.filter(({ group }) => sees(scope, group)),
    status: () => rows.status,
    registers: () => [],
    delays: () => [],
    heat: ({ scope }) =>
      'tooMany' in rows.heat
        ? rows.heat
        : { ...rows.heat, findings: rows.heat.findings.filter((row) => sees(scope, row)) },
    availability: ({ scope }) =>
      'tooMany' in rows.availability
        ? rows.availability
        : rows.availability.filter((row) => sees(scope, row)),
    jitter: ({ scope }) =>
      'tooMany' in rows.jitter ? rows.jitter : rows.jitter.filter((row) => sees(scope, row)),
  }
  const port: MemoryPort = {
    rows,
    asked: [],
    before: async () => {},
    ignoresScope: false,
    async ask(name, question, signal) {
      port.asked.push({ name, question })
      await port.before(name, signal)
      return answers[name](question)
    },
  }
  return port
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

const CONFORMANCE: ConformanceAnswer = {
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
    heat: {
      rows: [],
      findings: [],
      findingsTotal: 0,
      coverage: null,
      meters: 0,
      metersWithoutRole: 0,
      timeZone: 'Europe/Copenhagen',
    },
    availability: [],
    jitter: [],
    conformance: CONFORMANCE,
    status: {
      journal: '11111111-2222-4333-8444-555555555555',
      durable: 7,
      written: 7,
      lagMessages: 0,
      lagMs: 0,
      problems: [],
    },
    replayed: { recovered: 1, again: 0, duplicate: 0 },
  }
}
