import { bucketSql, type BucketCount } from '#lib/kpi/buckets.ts'
import type { LatencyBuckets } from '#lib/kpi/network/latency.ts'
import { rankOf } from '#lib/kpi/percentile.ts'
import type { Stage } from '#lib/telemetry/stage.ts'
import {
  bucketSource,
  groupNames,
  groupOf,
  groupSelect,
  intervalSql,
} from '../figures/figure-source.ts'
import type { PercentilesScan } from '../../scans.ts'
import { bigintIn, numberIn, numberOrNull, rowsOf, textIn, type Row } from '../files/sql.ts'
import { STAGE_VALUES } from '../figures/latency-values.ts'
import { kindsIn } from './raw-source.ts'
import type { ScanContext } from './view.ts'

/**
 * Buckets per group, interval and stage. A percentile of type 7 needs two order statistics; DuckDB
 * finds the buckets that hold them by running sums, and only these leave it: of a day in minutes all
 * of them would be a hundred times as many rows.
 */
export async function scanLatencyBuckets(
  { connection, view }: ScanContext,
  scan: PercentilesScan,
): Promise<LatencyBuckets[]> {
  const stages = scan.stages.filter((stage) => STAGE_VALUES[stage])
  if (stages.length === 0 || kindsIn(scan.scope).length === 0) return []
  const groups = groupNames(scan.by)
  const source = bucketSource(view, { ...scan, stages }, bucketSql)
  const rows = await rowsOf(
    connection,
    `WITH merged AS (
       SELECT ${intervalSql(scan.everyNs)} AS interval_ns, ${groupSelect(scan)} stage, bucket,
         sum(n)::BIGINT AS n, sum(negative)::BIGINT AS negative, max(max_ms) AS max_ms,
         max(bound_ms) AS bound_ms, sum(late)::BIGINT AS late
       FROM ${source} GROUP BY ${groups}, stage, bucket),
     counted AS (
       SELECT *, sum(n) OVER (PARTITION BY ${groups}, stage ORDER BY bucket)::BIGINT AS seen,
         sum(n) OVER (PARTITION BY ${groups}, stage)::BIGINT AS total
       FROM merged)
     SELECT ${groups}, stage, max(total) AS n, sum(negative)::BIGINT AS negative,
       max(max_ms) AS max_ms, max(bound_ms) AS bound_ms, sum(late)::BIGINT AS late,
       ${scan.percentiles.map(rankSql).join(', ')}
     FROM counted GROUP BY ${groups}, stage ORDER BY ${groups}, stage`,
  )
  return rows.map((row) => bucketsOf(row, scan))
}

/** The buckets that hold the two order statistics of a percentile (`rankOf`). */
function rankSql(p: number, at: number): string {
  const below = `(total - 1) * ${p} // 100`
  return `min(bucket) FILTER (WHERE seen > ${below}) AS below_${at},
    min(bucket) FILTER (WHERE seen > least(${below} + 1, total - 1)) AS above_${at}`
}

function bucketsOf(row: Row, { by, everyNs, percentiles }: PercentilesScan): LatencyBuckets {
  return {
    group: groupOf(row, by),
    timeNs: everyNs === null ? null : bigintIn(row, 'interval_ns'),
    // The scan selects the stages it was given.
    stage: textIn(row, 'stage') as Stage,
    buckets: heldBuckets(row, percentiles),
    maxMs: numberOrNull(row, 'max_ms'),
    clockBoundMs: numberOrNull(row, 'bound_ms'),
    negative: numberIn(row, 'negative'),
    late: numberIn(row, 'late'),
  }
}

/** The buckets at the ranks, each with what lies between it and the one below. */
function heldBuckets(row: Row, percentiles: readonly number[]): BucketCount[] {
  const n = numberIn(row, 'n')
  const ranks = percentiles
    .flatMap((p, at) => {
      const { below, above } = rankOf(n, p)
      return [
        { rank: below, bucket: numberIn(row, `below_${at}`) },
        { rank: above, bucket: numberIn(row, `above_${at}`) },
      ]
    })
    .toSorted((a, b) => a.rank - b.rank)
  const held: BucketCount[] = []
  let seen = 0
  for (const [at, { rank, bucket }] of ranks.entries()) {
    const next = ranks[at + 1]
    if (next?.bucket === bucket) continue
    // The highest one takes what lies above it.
    const upTo = next ? rank + 1 : n
    held.push({ bucket, n: upTo - seen })
    seen = upTo
  }
  return held
}
