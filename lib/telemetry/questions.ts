import type {
  AggregateRow,
  AggregatesScan,
  DelaysScan,
  FigureScan,
  LatencyScan,
  ReadingsFile,
  ReadingsFileScan,
  ReadingsScan,
  RegistersScan,
  SinceRows,
  SinceScan,
} from '#lib/store/scans.ts'
import type { LatencyRow } from '#lib/kpi/network/latency.ts'
import type { LossRow } from '#lib/kpi/network/loss.ts'
import type { ThroughputRow } from '#lib/kpi/network/throughput.ts'
import type { ConformanceAnswer, ConformanceQuery } from './conformance.ts'
import type { FullId } from './ids.ts'
import type { Kind } from './catalogue.ts'
import type { Flag } from './flags.ts'
import type { FieldValue } from './field.ts'
import type { Radio } from './radio.ts'
import type { RejectionReason } from './rejection.ts'
import type { Boundary, HeatAnswer, HeatGrouping, RegisterRow } from './heat.ts'
import type { AvailabilityRow, DelayRow, JitterRow, TooMany } from './service.ts'
import type { Page } from './page.ts'
import type { ReadingRow } from './reading.ts'
import type { Scope } from './scope.ts'
import type { Span } from './span.ts'

// The names of before the scans had a file of their own, for the callers not moved yet.
export type { LatencyRow } from '#lib/kpi/network/latency.ts'
export type { LossRow } from '#lib/kpi/network/loss.ts'
export type { ThroughputRow } from '#lib/kpi/network/throughput.ts'
export type { Page } from './page.ts'
export type { ReadingRow } from './reading.ts'
export type { Scope } from './scope.ts'
export type { Span } from './span.ts'
export { STAGES, type Stage } from './stage.ts'
export { GROUPINGS, type Grouping } from './grouping.ts'
export type {
  Aggregate,
  AggregateRow,
  AggregatesScan as AggregatesQuery,
  DelaysScan as DelaysQuery,
  FigureScan as FigureQuery,
  FileName,
  LatencyScan as LatencyQuery,
  ReadingsFile,
  ReadingsFileScan as ReadingsFileQuery,
  ReadingsScan as ReadingsQuery,
  RegistersScan as RegistersQuery,
  SinceRows as SinceAnswer,
  SinceScan as SinceQuery,
} from '#lib/store/scans.ts'

export interface LastValue {
  readonly device: FullId
  readonly kind: Kind
  readonly channel: string
  readonly timeNs: bigint
  readonly receivedAtNs: bigint
  readonly seq: number | null
  readonly flags: readonly Flag[]
  readonly fields: Readonly<Record<string, FieldValue>>
  readonly radio: Radio | null
}

/** Counted in messages: accepted = stored + rejected + duplicate + pending. */
export interface DeliveryRow {
  readonly device: FullId
  readonly accepted: number
  readonly stored: number
  readonly rejected: number
  readonly duplicate: number
  readonly pending: number
  /** Parts of `stored`: messages with a late reading, and with some elements rejected. */
  readonly late: number
  readonly partial: number
  /** From gaps in sequence numbers; null where several intakes have seen parts of a sequence. */
  readonly lost: number | null
  /** Messages towards the device: forwarded, never readings. */
  readonly commands: number
}

export interface ClockRow {
  readonly device: FullId
  /** Device clock minus platform clock; true within +/- boundMs (docs/domain.md 5.4). */
  readonly offsetMs: number
  readonly boundMs: number
  readonly measuredAtNs: bigint
}

export interface RejectionsQuery extends Span {
  readonly scope: Scope
  readonly reasons: readonly RejectionReason[] | null
  readonly order: 'asc' | 'desc'
  readonly limit: number
  readonly cursor: string | null
}

export interface RejectionRow {
  readonly id: string
  readonly timeNs: bigint
  readonly device: FullId
  readonly topic: string
  readonly reason: RejectionReason
  readonly path: string
  readonly expected: string
  readonly got: string
  readonly format: string
  /** Of the format, when it refused this. */
  readonly formatVersion: number
  /** Which device behind a gateway it is about; null where it is none, or unknown. */
  readonly subDevice: string | null
  readonly item: number | null
  readonly payload: Uint8Array
  readonly recoveredAtNs: bigint | null
}

export const REJECTION_GROUPINGS = ['reason', 'device', 'subDevice', 'format', 'path'] as const
export type RejectionGrouping = (typeof REJECTION_GROUPINGS)[number]

export interface RejectionGroupsQuery extends Span {
  readonly scope: Scope
  readonly reasons: readonly RejectionReason[] | null
  readonly by: readonly RejectionGrouping[]
}

export interface RejectionGroupRow {
  /** Values of what was grouped by; `subDevice` is '' where there is none. */
  readonly group: Readonly<Partial<Record<RejectionGrouping, string>>>
  readonly count: number
  /** Of them, stored by a replay. */
  readonly recovered: number
  readonly firstNs: bigint
  readonly lastNs: bigint
}

export interface ReplayRequest {
  readonly scope: Scope
  readonly ids: readonly string[] | null
  readonly reasons: readonly RejectionReason[] | null
  /** Journal positions, both ends included: read again as they stand in the journal. */
  readonly positions: { readonly from: number; readonly to: number } | null
}

export interface ReplayAnswer {
  readonly recovered: number
  readonly again: number
  readonly duplicate: number
}

export interface IngestStatus {
  readonly journal: string
  /** Highest durable position, and the highest one the writer has finished. */
  readonly durable: number
  readonly written: number
  readonly lagMessages: number
  /** Age of the oldest message not yet stored, ms. */
  readonly lagMs: number
  /** Why the intake cannot take messages or the store cannot be written; empty when all is well. */
  readonly problems: readonly string[]
}

export interface HeatQuery extends Span {
  readonly scope: Scope
  readonly boundaries: readonly Boundary[]
  readonly by: readonly HeatGrouping[]
  /** As it was written: days, months and years follow the calendar of the platform's zone. */
  readonly every: string | null
}

export interface ServiceQuery extends Span {
  readonly scope: Scope
}

export interface AvailabilityQuery extends ServiceQuery {
  readonly maxLatencyNs: bigint
  readonly survivalNs: bigint
}

/** Everything the API role asks of the ingest role: question name -> [question, answer]. */
export interface Questions {
  readings: [ReadingsScan, Page<ReadingRow>]
  since: [SinceScan, SinceRows]
  readingsFile: [ReadingsFileScan, ReadingsFile]
  readingDevices: [ReadingsFileScan, readonly FullId[]]
  aggregates: [AggregatesScan, Page<AggregateRow>]
  latency: [LatencyScan, readonly LatencyRow[]]
  throughput: [FigureScan, readonly ThroughputRow[]]
  loss: [FigureScan, readonly LossRow[]]
  registers: [RegistersScan, readonly RegisterRow[] | TooMany]
  heat: [HeatQuery, HeatAnswer | TooMany]
  delays: [DelaysScan, readonly DelayRow[] | TooMany]
  availability: [AvailabilityQuery, readonly AvailabilityRow[] | TooMany]
  jitter: [ServiceQuery, readonly JitterRow[] | TooMany]
  lastValues: [Scope, readonly LastValue[]]
  clocks: [Scope, readonly ClockRow[]]
  conformance: [ConformanceQuery, ConformanceAnswer]
  delivery: [Scope, readonly DeliveryRow[]]
  rejections: [RejectionsQuery, Page<RejectionRow>]
  rejectionGroups: [RejectionGroupsQuery, readonly RejectionGroupRow[]]
  replay: [ReplayRequest, ReplayAnswer]
  status: [null, IngestStatus]
}

/**
 * The port between API and ingest. In one process it is a call into the ingest worker; with the
 * roles apart it is HTTP. Throws QUERY_TIMEOUT, QUERY_BUSY or STORE_UNAVAILABLE.
 */
export interface IngestPort {
  ask<K extends keyof Questions>(
    name: K,
    question: Questions[K][0],
    signal?: AbortSignal,
  ): Promise<Questions[K][1]>
}
