import { between, rankOf } from './percentile.ts'

/*
 * Sparse log-linear buckets for latencies in ms: each power of two is cut into 64 equal parts, and
 * the middle of a part represents its values. A histogram is the count per bucket; merging is the
 * sum, so it does not matter in which order, or how often, parts are put together.
 *
 *   bucket 0           |value| < 2^-10 ms (just below 1 us): represents 0
 *   bucket 1 ...       2^-10 ms and above, 64 buckets per power of two, without an upper end
 *   bucket -b          the mirror image of bucket b: negative values, which mean a wrong clock
 */

/** Half a part over its lower end: what a bucket's middle is off by at most (0.78 %). */
export const BUCKET_RELATIVE_ERROR = 1 / 128

/** Values nearer to zero than this are in bucket 0. */
export const BUCKET_SMALLEST_MS = 2 ** -10

const PARTS_LOG2 = 6
const PARTS = 1 << PARTS_LOG2
/** Exponent and leading 6 bits of the fraction of 2^-10 as a double (IEEE 754), less one. */
const BASE = ((1023 - 10) << PARTS_LOG2) - 1

/** Scratch of `bucketOf`: written and read within one call. */
const bits = new DataView(new ArrayBuffer(8))

/** The bucket of a finite value; `bucketSql` gives the same one in DuckDB. */
export function bucketOf(valueMs: number): number {
  const size = Math.abs(valueMs)
  if (size < BUCKET_SMALLEST_MS) return 0
  if (!(size < Infinity)) throw new RangeError(`expected a finite latency in ms, got ${valueMs}`)
  bits.setFloat64(0, size)
  // Sign 1, exponent 11, fraction 52 bits: the upper word without all but 6 bits of the fraction.
  const bucket = (bits.getUint32(0) >>> (20 - PARTS_LOG2)) - BASE
  return valueMs < 0 ? -bucket : bucket
}

/** Lower end of a bucket in ms. */
export function bucketLowMs(bucket: number): number {
  if (bucket === 0) return -BUCKET_SMALLEST_MS
  return bucket > 0 ? edgeMs(bucket) : -edgeMs(1 - bucket)
}

/** Upper end of a bucket in ms. */
export function bucketHighMs(bucket: number): number {
  return -bucketLowMs(-bucket)
}

/** The value that represents a bucket: off by at most `BUCKET_RELATIVE_ERROR`, or 1 us around 0. */
export function bucketMidMs(bucket: number): number {
  if (bucket === 0) return 0
  const size = Math.abs(bucket)
  const midMs = (edgeMs(size) + edgeMs(size + 1)) / 2
  return bucket < 0 ? -midMs : midMs
}

function edgeMs(bucket: number): number {
  const part = bucket - 1
  return 2 ** (Math.floor(part / PARTS) - 10) * (1 + (part & (PARTS - 1)) / PARTS)
}

/**
 * `bucketOf` as a DuckDB expression over a numeric expression: INTEGER, or NULL where that is NULL
 * or not finite. A logarithm that rounds up to the next power of two does no harm: the part is then
 * -1, which is the last part of the power below.
 */
export function bucketSql(column: string): string {
  const value = `CAST(${column} AS DOUBLE)`
  // The guard keeps log2 away from 0 even where both branches are computed.
  const size = `greatest(abs(${value}), 9.765625e-4)`
  // The logarithm of the largest doubles rounds up to a power that no double can hold.
  const exponent = `least(floor(log2(${size})), 1023)`
  const part = `floor((${size} / pow(2e0, ${exponent}) - 1) * ${PARTS})`
  const bucket = `CAST(${exponent} * ${PARTS} + ${part} AS INTEGER) + ${10 * PARTS + 1}`
  return (
    `CASE WHEN NOT coalesce(isfinite(${value}), false) THEN NULL ` +
    `WHEN abs(${value}) < 9.765625e-4 THEN 0 ` +
    `ELSE (CASE WHEN ${value} < 0 THEN -1 ELSE 1 END) * (${bucket}) END`
  )
}

export interface BucketCount {
  readonly bucket: number
  readonly n: number
}

/** Counts per bucket, or rows of (bucket, n) in which a bucket may come more than once. */
export type Buckets = ReadonlyMap<number, number> | Iterable<BucketCount>

/** Adds up histograms: the sum per bucket. */
export function mergeBuckets(...histograms: readonly Buckets[]): Map<number, number> {
  const merged = new Map<number, number>()
  for (const histogram of histograms) {
    for (const { bucket, n } of rowsOf(histogram)) {
      merged.set(bucket, (merged.get(bucket) ?? 0) + n)
    }
  }
  return merged
}

/** How many values a histogram holds, and how many of them are below zero. */
export function countBuckets(histogram: Buckets): { n: number; negative: number } {
  let count = 0
  let negative = 0
  for (const { bucket, n } of rowsOf(histogram)) {
    count += n
    if (bucket < 0) negative += n
  }
  return { n: count, negative }
}

/**
 * Percentile `p` (0..100) in ms, type 7 over the middles of the buckets; null of nothing. Where all
 * values are of one sign it is within `BUCKET_RELATIVE_ERROR` of the exact percentile.
 */
export function percentileOfBuckets(histogram: Buckets, p: number): number | null {
  return percentilesOfBuckets(histogram, [p])[0] ?? null
}

/** Several percentiles of one histogram, sorted once. */
export function percentilesOfBuckets(
  histogram: Buckets,
  ps: readonly number[],
): readonly (number | null)[] {
  const counts = [...mergeBuckets(histogram)].filter(([, n]) => n > 0).toSorted(([a], [b]) => a - b)
  const total = counts.reduce((sum, [, n]) => sum + n, 0)
  if (total === 0) return ps.map(() => null)
  return ps.map((p) => {
    const { below, above, weight } = rankOf(total, p)
    return between(midAt(counts, below), midAt(counts, above), weight)
  })
}

/** The middle of the bucket that holds the value of a rank (from 0). */
function midAt(counts: readonly (readonly [number, number])[], rank: number): number {
  let seen = 0
  for (const [bucket, n] of counts) {
    seen += n
    if (rank < seen) return bucketMidMs(bucket)
  }
  throw new RangeError(`expected a rank below ${seen}, got ${rank}`)
}

function* rowsOf(histogram: Buckets): Generator<BucketCount> {
  for (const row of histogram) {
    // A map gives pairs, rows are objects.
    if (Array.isArray(row)) yield { bucket: row[0], n: row[1] }
    else yield row
  }
}
