import type { LatencyScan, LatencyRow } from '../../scans.ts'
import type { Stage } from '#lib/telemetry/stage.ts'
import type { Buckets } from '../../options.ts'
import { bucketSource, groupNames, groupOf, groupSelect, rawOf } from '../figures/figure-source.ts'
import { grainOf } from './grain.ts'
import { STAGE_VALUES, stageRows } from './latency-values.ts'
import { bigintIn, numberIn, numberOrNull, rowsOf, textIn, type Row } from '../files/sql.ts'
import { intervalSql } from '../../time-grid.ts'
import { kindsIn, rawSource, type ScanContext } from './view.ts'

/** Up to this many raw rows in the span percentiles are exact; beyond, of buckets. */
const EXACT_ROWS = 200_000
const PERCENTILES = [50, 95, 99] as const

/** Latency per group and interval; a row for each that has a value. */
export async function scanLatency(context: ScanContext, query: LatencyScan): Promise<LatencyRow[]> {
  const stages = query.stages.filter((stage) => STAGE_VALUES[stage])
  if (stages.length === 0 || kindsIn(query.scope).length === 0) return []
  const wanted = { ...query, stages }
  return isExact(context, query) ? exact(context, wanted) : ofBuckets(context, wanted)
}

/** Of few devices raw rows are read anyhow: `figure-source.ts`. */
const FEW_DEVICES = 10
const EXACT_ROWS_OF_FEW = 5_000_000

/** Whether all raw rows of the span are there, and few enough by the catalogue. */
function isExact({ view }: ScanContext, { fromNs, toNs, scope }: LatencyScan): boolean {
  if (fromNs <= view.droppedNs) return false
  let rows = 0
  for (const part of view.parts) {
    for (const kind of kindsIn(scope)) {
      const extent = part.extents.get(kind)
      if (!extent || extent.maxNs < fromNs || extent.minNs >= toNs) continue
      const from = extent.minNs > fromNs ? extent.minNs : fromNs
      const to = extent.maxNs < toNs ? extent.maxNs : toNs
      const share = Number(to - from + 1n) / Number(extent.maxNs - extent.minNs + 1n)
      rows += extent.rows * share
    }
  }
  const isOfFew = scope.devices !== null && scope.devices.length <= FEW_DEVICES
  return rows <= (isOfFew ? EXACT_ROWS_OF_FEW : EXACT_ROWS)
}

async function exact(
  { connection, view }: ScanContext,
  query: LatencyScan & { readonly stages: readonly Stage[] },
): Promise<LatencyRow[]> {
  const { by, everyNs, stages } = query
  const groups = groupNames(by)
  const raw = rawSource(view, rawOf(query, null))
  const selects = stages.flatMap((stage) => {
    const value = STAGE_VALUES[stage]
    if (!value) return []
    const ms = (column: string) => `${column}::DOUBLE / ${value.perMs}`
    return `SELECT ${groups}, '${stage}' AS stage, n, ${ms('q[1]')} AS p50, ${ms('q[2]')} AS p95,
        ${ms('q[3]')} AS p99, ${ms('max_value')} AS max_ms, bound_ms, negative
      FROM (SELECT ${intervalSql(everyNs)} AS interval_ns, ${groupSelect(query)} count(*) AS n,
          quantile_cont(value, [0.5, 0.95, 0.99]) AS q, max(value) AS max_value,
          max(bound_ms) AS bound_ms, count(*) FILTER (WHERE value < 0) AS negative
        FROM ${stageRows(raw, grainOf(query), value)} GROUP BY ${groups})`
  })
  const rows = await rowsOf(
    connection,
    `SELECT * FROM (${selects.join(' UNION ALL ')}) ORDER BY ${groups}, stage`,
  )
  return rows.map((row) => ({
    ...commonOf(row, query),
    p50Ms: numberOrNull(row, 'p50'),
    p95Ms: numberOrNull(row, 'p95'),
    p99Ms: numberOrNull(row, 'p99'),
    method: 'exact',
    relError: 0,
  }))
}

/**
 * Percentiles of type 7 need two order statistics each. DuckDB finds the buckets that hold them by
 * running sums; the middles and the interpolation are those of lib/kpi/buckets.ts.
 */
async function ofBuckets(
  { connection, view, buckets }: ScanContext,
  query: LatencyScan & { readonly stages: readonly Stage[] },
): Promise<LatencyRow[]> {
  const { by, everyNs } = query
  const groups = groupNames(by)
  const source = bucketSource(view, query, (column) => buckets.bucketSql(column))
  const ranks = PERCENTILES.map(
    (p) => `min(bucket) FILTER (WHERE seen > (total - 1) * ${p} // 100) AS below_${p},
      min(bucket) FILTER (WHERE seen > least((total - 1) * ${p} // 100 + 1, total - 1)) AS above_${p}`,
  )
  const rows = await rowsOf(
    connection,
    `WITH merged AS (
       SELECT ${intervalSql(everyNs)} AS interval_ns, ${groupSelect(query)} stage, bucket,
         sum(n)::BIGINT AS n, sum(negative)::BIGINT AS negative, max(max_ms) AS max_ms,
         max(bound_ms) AS bound_ms
       FROM ${source} GROUP BY ${groups}, stage, bucket),
     counted AS (
       SELECT *, sum(n) OVER (PARTITION BY ${groups}, stage ORDER BY bucket)::BIGINT AS seen,
         sum(n) OVER (PARTITION BY ${groups}, stage)::BIGINT AS total
       FROM merged)
     SELECT ${groups}, stage, max(total) AS n, sum(negative)::BIGINT AS negative,
       max(max_ms) AS max_ms, max(bound_ms) AS bound_ms, ${ranks.join(', ')}
     FROM counted GROUP BY ${groups}, stage ORDER BY ${groups}, stage`,
  )
  return rows.map((row) => ({
    ...commonOf(row, query),
    p50Ms: percentileIn(row, 50, buckets),
    p95Ms: percentileIn(row, 95, buckets),
    p99Ms: percentileIn(row, 99, buckets),
    method: 'histogram',
    relError: buckets.BUCKET_RELATIVE_ERROR,
  }))
}

function percentileIn(row: Row, p: number, buckets: Buckets): number {
  const low = buckets.bucketMidMs(numberIn(row, `below_${p}`))
  const high = buckets.bucketMidMs(numberIn(row, `above_${p}`))
  const weight = (((numberIn(row, 'n') - 1) * p) / 100) % 1
  return low + (high - low) * weight
}

function commonOf(row: Row, { by, everyNs }: LatencyScan) {
  return {
    group: groupOf(row, by),
    timeNs: everyNs === null ? null : bigintIn(row, 'interval_ns'),
    // The query selects the stages it was asked for.
    stage: textIn(row, 'stage') as Stage,
    n: numberIn(row, 'n'),
    maxMs: numberOrNull(row, 'max_ms'),
    clockBoundMs: numberOrNull(row, 'bound_ms'),
    negative: numberIn(row, 'negative'),
  }
}
