import { compareGrouped, type Grouped } from '#lib/telemetry/grouping.ts'
import type { Stage } from '#lib/telemetry/stage.ts'
import { BUCKET_RELATIVE_ERROR, percentilesOfBuckets, type BucketCount } from '../buckets.ts'
import { percentileOfSorted } from '../percentile.ts'

/** Receive time minus the device's own time: includes the error of the device clock. */
export function ageMs(receivedAtNs: bigint, deviceTimeNs: bigint): number {
  return spanMs(receivedAtNs - deviceTimeNs)
}

/** One-way delay: the age corrected by the clock offset (device minus platform, `offsetAt`). */
export function uplinkMs(receivedAtNs: bigint, deviceTimeNs: bigint, offsetNs: bigint): number {
  return spanMs(receivedAtNs - (deviceTimeNs - offsetNs))
}

/** Nanoseconds as ms, exact to the ns up to 104 days. */
export function spanMs(spanNs: bigint): number {
  return Number(spanNs) / 1e6
}

interface LatencyFigures {
  readonly n: number
  /** Percentiles of type 7, in the order in which they were wanted; null of nothing. */
  readonly percentilesMs: readonly (number | null)[]
  readonly maxMs: number | null
  /** How many values were below zero: a clock is wrong. */
  readonly negative: number
}

/** Exact figures of a series in any order; `percentiles` from 0 to 100. */
export function latencyFigures(
  valuesMs: readonly number[],
  percentiles: readonly number[],
): LatencyFigures {
  const sorted = Float64Array.from(valuesMs).toSorted()
  return {
    n: sorted.length,
    percentilesMs: percentiles.map((p) => percentileOfSorted(sorted, p)),
    maxMs: sorted.at(-1) ?? null,
    negative: sorted.reduce((count, value) => (value < 0 ? count + 1 : count), 0),
  }
}

/** Latency in ms of a group, interval and stage; exact, or from log-linear buckets. */
export interface LatencyRow extends Grouped, LatencyFigures {
  readonly stage: Stage
  /** Largest half width of the clock error of the row's values; null where no clock is involved. */
  readonly clockBoundMs: number | null
  /** Values of late messages among them. */
  readonly late: number
  readonly method: 'exact' | 'histogram'
  readonly relError: number
}

/** Latencies of a group and interval as buckets (`lib/kpi/buckets.ts`). */
export interface LatencyBuckets extends Grouped {
  readonly stage: Stage
  readonly buckets: readonly BucketCount[]
  readonly maxMs: number | null
  readonly clockBoundMs: number | null
  readonly negative: number
  readonly late: number
}

/** Rows of latency from buckets, in their order. */
export function latencyRows(
  histograms: readonly LatencyBuckets[],
  percentiles: readonly number[],
): LatencyRow[] {
  return histograms
    .map(({ buckets, ...rest }) => ({
      ...rest,
      n: buckets.reduce((sum, { n }) => sum + n, 0),
      percentilesMs: percentilesOfBuckets(buckets, percentiles),
      method: 'histogram' as const,
      relError: BUCKET_RELATIVE_ERROR,
    }))
    .toSorted(compareLatency)
}

/** The order of rows of latency: by group, then by the name of the stage. */
export function compareLatency(a: LatencyRow, b: LatencyRow): number {
  const order = compareGrouped(a, b)
  if (order !== 0 || a.stage === b.stage) return order
  return a.stage < b.stage ? -1 : 1
}
