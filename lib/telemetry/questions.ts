import type { ConformanceAnswer, ConformanceQuery } from './conformance.ts'
import type { FullId } from './ids.ts'
import type { Kind } from './catalogue.ts'
import type { Flag } from './flags.ts'
import type { FieldValue } from './field.ts'
import type { Radio } from './radio.ts'
import type { RejectionReason } from './rejection.ts'
import type { Boundary, HeatAnswer, HeatGrouping, RegisterRow } from './heat.ts'
import type { AvailabilityRow, DelayRow, JitterRow, TooMany } from './service.ts'

/** Which rows a caller may see. `null` sets no limit; an empty list lets nothing through. */
export interface Scope {
  readonly tenants: readonly string[] | null
  readonly devices: readonly FullId[] | null
  readonly kinds: readonly Kind[] | null
}

export interface Span {
  /** Unix ns; from is included, to is not. */
  readonly fromNs: bigint
  readonly toNs: bigint
}

export interface Page<T> {
  readonly data: readonly T[]
  readonly next: string | null
}

export interface ReadingsQuery extends Span {
  readonly scope: Scope
  /** One kind per question: kinds have different columns. */
  readonly kind: Kind
  readonly fields: readonly string[] | null
  readonly order: 'asc' | 'desc'
  readonly limit: number
  readonly cursor: string | null
}

/** Raw readings of a span as one file. */
export interface ReadingsFileQuery extends Span {
  readonly scope: Scope
  readonly kind: Kind
  readonly fields: readonly string[] | null
  /** More readings are refused with EXPORT_TOO_LARGE. */
  readonly maxRows: number
  /** What devices are called in the file; null: by their own names. Others are left out. */
  readonly names: readonly FileName[] | null
  /** Where the file is written; the ingest role chooses it. */
  readonly path: string
}

export interface FileName {
  readonly device: FullId
  readonly shown: string
  readonly tenant: string
}

/** Whoever asked removes it. */
export interface ReadingsFile {
  readonly path: string
  readonly rows: number
  readonly bytes: number
}

export interface ReadingRow {
  readonly timeNs: bigint
  readonly device: FullId
  readonly kind: Kind
  readonly channel: string
  readonly seq: number | null
  readonly receivedAtNs: bigint
  readonly position: number
  readonly index: number
  readonly flags: readonly Flag[]
  readonly fields: Readonly<Record<string, FieldValue>>
  readonly radio: Radio | null
}

/** Readings of every kind in the order of the journal: what was stored while nobody listened. */
export interface SinceQuery {
  readonly scope: Scope
  /** The last reading known: what comes behind this place in the journal is asked for. */
  readonly after: { readonly position: number; readonly index: number }
  /** The last position, included. */
  readonly toPosition: number
  readonly limit: number
}

export interface SinceAnswer {
  readonly data: readonly ReadingRow[]
  /** Receive time of the first of them that was not retained, a will or replayed; else null. */
  readonly receivedFromNs: bigint | null
}

export interface AggregatesQuery extends Span {
  readonly scope: Scope
  readonly kind: Kind
  readonly fields: readonly string[] | null
  readonly everyNs: bigint
  readonly limit: number
  readonly cursor: string | null
}

export type Aggregate =
  | { readonly min: number; readonly mean: number; readonly max: number }
  | { readonly first: number; readonly last: number; readonly delta: number }
  | { readonly last: FieldValue }

/** One device and one interval. `count` is the number of readings behind it. */
export interface AggregateRow {
  readonly timeNs: bigint
  readonly device: FullId
  readonly kind: Kind
  readonly count: number
  readonly fields: Readonly<Record<string, Aggregate>>
}

export const STAGES = ['age', 'uplink', 'rtt', 'durable', 'stored'] as const
export type Stage = (typeof STAGES)[number]

export const GROUPINGS = ['device', 'kind', 'tenant', 'rat', 'cell', 'operator', 'band'] as const
export type Grouping = (typeof GROUPINGS)[number]

export interface FigureQuery extends Span {
  readonly scope: Scope
  readonly by: readonly Grouping[]
  readonly everyNs: bigint | null
}

export interface LatencyQuery extends FigureQuery {
  readonly stages: readonly Stage[]
}

interface FigureRow {
  readonly group: Readonly<Partial<Record<Grouping, string | null>>>
  /** Start of the interval, where `every` was asked for. */
  readonly timeNs: bigint | null
}

/** Latency in ms; percentiles are type 7 when `method` is exact, else of log-linear buckets. */
export interface LatencyRow extends FigureRow {
  readonly stage: Stage
  readonly n: number
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
  readonly maxMs: number | null
  /** Largest half width of the clock error behind the row; null where no clock is involved. */
  readonly clockBoundMs: number | null
  /** How many values were below zero: a clock is wrong. */
  readonly negative: number
  readonly method: 'exact' | 'histogram'
  readonly relError: number
}

export interface ThroughputRow extends FigureRow {
  readonly messages: number
  readonly readings: number
  readonly bytes: number
  readonly messagesPerS: number
  readonly bytesPerS: number
}

export interface LossRow extends FigureRow {
  readonly expected: number
  readonly received: number
  readonly lost: number
  /** Null where nothing was expected. */
  readonly lossRatio: number | null
  readonly restarts: number
}

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

/** Registers of energy meters, thinned so that the heat of whole buckets stays the same. */
export interface RegistersQuery extends Span {
  readonly scope: Scope
  /** The meters asked for, with what tells a possible step of their register from a jump. */
  readonly meters: readonly { device: FullId; limitKw: number; stepKwh: number }[]
  /** Of each cell of this length the ends are enough while all goes well; null: every row. */
  readonly cellNs: bigint | null
  /** How far before and after the span the nearest rows are looked for. */
  readonly lookNs: bigint
  readonly maxRows: number
}

export interface HeatQuery extends Span {
  readonly scope: Scope
  readonly boundaries: readonly Boundary[]
  readonly by: readonly HeatGrouping[]
  /** As it was written: days, months and years follow the calendar of the platform's zone. */
  readonly every: string | null
}

/** Delays of messages in the order of arrival, per device and channel. */
export interface DelaysQuery extends Span {
  readonly scope: Scope
  readonly maxRows: number
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
  readings: [ReadingsQuery, Page<ReadingRow>]
  since: [SinceQuery, SinceAnswer]
  readingsFile: [ReadingsFileQuery, ReadingsFile]
  readingDevices: [ReadingsFileQuery, readonly FullId[]]
  aggregates: [AggregatesQuery, Page<AggregateRow>]
  latency: [LatencyQuery, readonly LatencyRow[]]
  throughput: [FigureQuery, readonly ThroughputRow[]]
  loss: [FigureQuery, readonly LossRow[]]
  registers: [RegistersQuery, readonly RegisterRow[] | TooMany]
  heat: [HeatQuery, HeatAnswer | TooMany]
  delays: [DelaysQuery, readonly DelayRow[] | TooMany]
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
