import type { CalendarBucket } from '#lib/kpi/calendar.ts'
import type { RegisterMeter } from '#lib/kpi/heat/register-meter.ts'
import type { Kind } from '#lib/telemetry/catalogue.ts'
import type { CallerTag } from '#lib/telemetry/caller-tag.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import type { Grouping } from '#lib/telemetry/grouping.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { RatChoice } from '#lib/telemetry/radio.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import type { Scope } from '#lib/telemetry/scope.ts'
import type { Span } from '#lib/telemetry/span.ts'
import type { Stage } from '#lib/telemetry/stage.ts'

/*
 * The scans of a store: what each takes, and the rows it gives. Every scan has a span and a scope.
 */

/** What every scan carries: the rows it may see, and for whom it runs (left out: the platform). */
export interface ScopedScan {
  readonly scope: Scope
  readonly caller?: CallerTag | undefined
}

/** Raw readings page by page, in the order of their device time. */
export interface ReadingsScan extends Span, ScopedScan {
  /** One kind per scan: kinds have different columns. */
  readonly kind: Kind
  readonly fields: readonly string[] | null
  /** Only readings over these radio technologies; left out or null: all. */
  readonly rats?: readonly RatChoice[] | null
  readonly order: 'asc' | 'desc'
  readonly limit: number
  readonly cursor: string | null
}

/** Readings of every kind in the order of the journal: what was stored while nobody listened. */
export interface SinceScan extends ScopedScan {
  /** The last reading known; the scan returns what follows this place in the journal. */
  readonly after: { readonly position: number; readonly readingOrdinal: number }
  /** The last position, included. */
  readonly toPosition: number
  readonly limit: number
}

export interface SinceRows {
  readonly data: readonly ReadingRow[]
  /** Receive time of the first of them that was not retained, a will or replayed; else null. */
  readonly receivedFromNs: bigint | null
}

/** Fields per device and interval, by their role. */
export interface AggregatesScan extends Span, ScopedScan {
  readonly kind: Kind
  readonly fields: readonly string[] | null
  /** Length of the intervals; null where they are those of `buckets`. */
  readonly everyNs: bigint | null
  readonly buckets?: readonly CalendarBucket[] | null | undefined
  /** What is known of registers of meters; of the others nothing is. */
  readonly meters?: Readonly<Record<FullId, RegisterMeter>>
  readonly limit: number
  readonly cursor: string | null
}

/** Aggregates of intervals that have one length. */
export interface GridScan extends Omit<AggregatesScan, 'everyNs' | 'buckets'> {
  readonly everyNs: bigint
  /** An interval begins here, and every `everyNs` before and after; 1970 where it is left out. */
  readonly originNs?: bigint
}

export type Aggregate =
  | { readonly min: number; readonly mean: number; readonly max: number }
  | { readonly first: number; readonly last: number; readonly delta: number }
  | { readonly last: FieldValue }

/** One device and one interval. `count` is its number of readings. */
export interface AggregateRow {
  readonly timeNs: bigint
  readonly device: FullId
  readonly kind: Kind
  readonly count: number
  readonly fields: Readonly<Record<string, Aggregate>>
}

/** A figure per group and interval. */
export interface FigureScan extends Span, ScopedScan {
  readonly by: readonly Grouping[]
  readonly everyNs: bigint | null
}

export interface LatencyScan extends FigureScan {
  readonly stages: readonly Stage[]
}

/** Latencies with some percentiles; as buckets these are thinned so that the percentiles stay the same. */
export interface PercentilesScan extends LatencyScan {
  /**
   * 0 to 100. A bucket that holds no order statistic of them may be added to the next one above that
   * does, or to the highest.
   */
  readonly percentiles: readonly number[]
}

/** Registers of energy meters, thinned so that the heat of whole buckets stays the same. */
export interface RegistersScan extends Span, ScopedScan {
  /** The meters to read, with what separates a possible step of their register from a jump. */
  readonly meters: readonly { device: FullId; limitKw: number; stepKwh: number }[]
  /** Of each cell of this length the ends are enough while all goes well; null: every row. */
  readonly cellNs: bigint | null
  /** How far before and after the span the nearest rows are looked for. */
  readonly lookNs: bigint
  readonly maxRows: number
}

/** Delays of messages in the order of arrival, per device and channel. */
export interface DelaysScan extends Span, ScopedScan {
  readonly maxRows: number
}

/** Raw readings of a span as one file. */
export interface ReadingsFileScan extends Span, ScopedScan {
  readonly kind: Kind
  readonly fields: readonly string[] | null
  /** As in `ReadingsScan`. */
  readonly rats?: readonly RatChoice[] | null
  /** More readings are refused with EXPORT_TOO_LARGE. */
  readonly maxRows: number
  /** What devices are called in the file; null: by their own names. Others are left out. */
  readonly names: readonly FileName[] | null
  /** Channels get pseudonyms made with it; null: their own names. */
  readonly channelSalt: string | null
  /** Where the file is written; the ingest role chooses it. */
  readonly path: string
}

export interface FileName {
  readonly device: FullId
  readonly shown: string
  readonly tenant: string
}

/** The caller removes it. */
export interface ReadingsFile {
  readonly path: string
  readonly rows: number
  readonly bytes: number
}
