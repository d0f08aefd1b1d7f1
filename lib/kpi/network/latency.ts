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
