import { bucketOf } from '#lib/kpi/buckets.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { Stage } from '#lib/telemetry/stage.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { COUNTS } from '../../figure-keys.ts'

/*
 * What figures are made of: counts, and latencies as sparse buckets. Both are merged by sum, so it
 * does not matter in which order, or from how many parts, they are put together.
 */

export type Counts = Record<(typeof COUNTS)[number], number>

/** The latencies of one stage. */
export interface StageSum {
  n: number
  negative: number
  maxMs: number
  boundMs: number | null
  late: number
  readonly buckets: Map<number, number>
}

export const FIGURE_STAGES = ['age', 'uplink', 'rtt'] as const satisfies readonly Stage[]

export function noCounts(): Counts {
  return { messages: 0, readings: 0, bytes: 0, late: 0, received: 0, lost: 0, restarts: 0 }
}

export function addCounts(sum: Counts, counts: Partial<Counts>): void {
  for (const name of COUNTS) sum[name] += counts[name] ?? 0
}

export function noStage(): StageSum {
  return { n: 0, negative: 0, maxMs: -Infinity, boundMs: null, late: 0, buckets: new Map() }
}

export function addStage(sum: StageSum, other: StageSum): void {
  sum.n += other.n
  sum.negative += other.negative
  sum.late += other.late
  sum.maxMs = Math.max(sum.maxMs, other.maxMs)
  sum.boundMs = larger(sum.boundMs, other.boundMs)
  for (const [bucket, n] of other.buckets)
    sum.buckets.set(bucket, (sum.buckets.get(bucket) ?? 0) + n)
}

export function addValue(
  sum: StageSum,
  ms: number,
  boundMs: number | null,
  { flags }: Pick<Timed, 'flags'>,
): void {
  const bucket = bucketOf(ms)
  sum.n += 1
  if ((flags & FLAGS.late) !== 0) sum.late += 1
  if (ms < 0) sum.negative += 1
  if (ms > sum.maxMs) sum.maxMs = ms
  sum.boundMs = larger(sum.boundMs, boundMs)
  sum.buckets.set(bucket, (sum.buckets.get(bucket) ?? 0) + 1)
}

export function larger(a: number | null, b: number | null): number | null {
  if (a === null) return b
  return b === null || a > b ? a : b
}

/** Flags of readings that do not count for one-way latency (docs/domain.md 5.3). */
export const NOT_FOR_LATENCY = FLAGS.clock_invalid | FLAGS.late | FLAGS.not_live

export type Timed = Pick<
  Reading,
  'timeNs' | 'receivedAtNs' | 'flags' | 'uplinkMs' | 'clockBoundMs'
> & { readonly rttMs: number | null }

const RTT = KINDS.probe.fields['rttMs']

/** The latency of a stage, in ms; null where a reading has none. */
export function stageMs(row: Timed, stage: Stage): number | null {
  // By the clock of the probe alone: it counts whenever it arrives.
  if (stage === 'rtt') return isLive(row) && isPossibleRtt(row.rttMs) ? row.rttMs : null
  if ((row.flags & NOT_FOR_LATENCY) !== 0) return null
  if (stage === 'uplink') return row.uplinkMs
  // A reading without a time of its own was given the receive time, to the ns: it has no age.
  if (stage !== 'age' || row.receivedAtNs === row.timeNs) return null
  return Number(row.receivedAtNs - row.timeNs) / 1e6
}

/** Retained, will and replayed messages are no traffic of their moment (docs/domain.md 8.7). */
export function isLive({ flags }: Pick<Timed, 'flags'>): boolean {
  return (flags & FLAGS.not_live) === 0
}

/**
 * A value outside its physical range is kept, and left out of every figure (docs/domain.md 8.11).
 */
export function isPossibleRtt(rttMs: number | null): boolean {
  return rttMs !== null && rttMs >= (RTT?.min ?? -Infinity) && rttMs <= (RTT?.max ?? Infinity)
}
