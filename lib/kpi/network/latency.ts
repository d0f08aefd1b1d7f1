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

export interface LatencyFigures {
  readonly n: number
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
  readonly maxMs: number | null
  /** How many values were below zero: a clock is wrong. */
  readonly negative: number
}

/** Exact figures of a series in any order: percentiles of type 7. */
export function latencyFigures(valuesMs: readonly number[]): LatencyFigures {
  const sorted = Float64Array.from(valuesMs).toSorted()
  return {
    n: sorted.length,
    p50Ms: percentileOfSorted(sorted, 50),
    p95Ms: percentileOfSorted(sorted, 95),
    p99Ms: percentileOfSorted(sorted, 99),
    maxMs: sorted.at(-1) ?? null,
    negative: sorted.reduce((count, value) => (value < 0 ? count + 1 : count), 0),
  }
}

/** The percentiles that rows of latency show. */
export const LATENCY_PERCENTILES = [50, 95, 99] as const

/** Latency in ms; percentiles are type 7 when `method` is exact, else of log-linear buckets. */
export interface LatencyRow extends Grouped {
  readonly stage: Stage
  readonly n: number
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
  readonly maxMs: number | null
  /** Largest half width of the clock error of the row's values; null where no clock is involved. */
  readonly clockBoundMs: number | null
  /** How many values were below zero: a clock is wrong. */
  readonly negative: number
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
}

/** Rows of latency from buckets, in their order. */
export function latencyRows(histograms: readonly LatencyBuckets[]): LatencyRow[] {
  return histograms
    .map(({ group, timeNs, stage, buckets, maxMs, clockBoundMs, negative }) => {
      const [p50Ms, p95Ms, p99Ms] = percentilesOfBuckets(buckets, LATENCY_PERCENTILES)
      return {
        group,
        timeNs,
        stage,
        n: buckets.reduce((sum, { n }) => sum + n, 0),
        p50Ms: p50Ms ?? null,
        p95Ms: p95Ms ?? null,
        p99Ms: p99Ms ?? null,
        maxMs,
        clockBoundMs,
        negative,
        method: 'histogram' as const,
        relError: BUCKET_RELATIVE_ERROR,
      }
    })
    .toSorted(compareLatency)
}

/** The order of rows of latency: by group, then by the name of the stage. */
export function compareLatency(a: LatencyRow, b: LatencyRow): number {
  const order = compareGrouped(a, b)
  if (order !== 0 || a.stage === b.stage) return order
  return a.stage < b.stage ? -1 : 1
}
