import type { LatencyRow } from '#lib/kpi/network/latency.ts'
import type { Stage } from '#lib/telemetry/stage.ts'
import { groupNames, groupOf, groupSelect, intervalSql, rawOf } from '../figures/figure-source.ts'
import { rowsWithin } from '../../extent.ts'
import type { PercentilesScan } from '../../scans.ts'
import { bigintIn, numberIn, numberOrNull, rowsOf, textIn, type Row } from '../files/sql.ts'
import { grainOf } from '../figures/grain.ts'
import { STAGE_VALUES, stageRows, type StageValue } from '../figures/latency-values.ts'
import { kindsIn, rawSource } from './raw-source.ts'
import type { ScanContext, View } from './view.ts'

/** Up to this many raw rows in the span percentiles are exact; beyond, of buckets. */
const EXACT_ROWS = 200_000
/** Of few devices raw rows are read anyhow: `figure-source.ts`. */
const FEW_DEVICES = 10
const EXACT_ROWS_OF_FEW = 5_000_000

/** Whether all raw rows of the span are there, and few enough by the catalogue. */
export function isExact(view: View, { fromNs, toNs, scope }: PercentilesScan): boolean {
  if (fromNs <= view.droppedNs) return false
  const rows = rowsWithin(view.parts, kindsIn(scope), { fromNs, toNs })
  const isOfFew = scope.devices !== null && scope.devices.length <= FEW_DEVICES
  return rows <= (isOfFew ? EXACT_ROWS_OF_FEW : EXACT_ROWS)
}

/** Exact percentiles per group, interval and stage; null where they would cost too much. */
export async function scanExactLatency(
  { connection, view }: ScanContext,
  scan: PercentilesScan,
): Promise<LatencyRow[] | null> {
  if (!isExact(view, scan)) return null
  const stages = scan.stages.flatMap((stage) => {
    const value = STAGE_VALUES[stage]
    return value ? [{ stage, value }] : []
  })
  if (stages.length === 0 || kindsIn(scan.scope).length === 0) return []
  const raw = rawSource(view, rawOf(scan, null))
  const selects = stages.map(({ stage, value }) => stageSql(raw, scan, { stage, value }))
  const rows = await rowsOf(
    connection,
    `SELECT * FROM (${selects.join(' UNION ALL ')}) ORDER BY ${groupNames(scan.by)}, stage`,
  )
  return rows.map((row) => latencyRow(row, scan))
}

function stageSql(
  raw: string,
  scan: PercentilesScan,
  { stage, value }: { readonly stage: Stage; readonly value: StageValue },
): string {
  const groups = groupNames(scan.by)
  const quantiles = scan.percentiles.map((p) => p / 100)
  const ms = (column: string) => `${column}::DOUBLE / ${value.perMs}`
  const shown = quantiles.map((_, at) => `${ms(`q[${at + 1}]`)} AS p${at}`)
  return `SELECT ${groups}, '${stage}' AS stage, n, ${shown.join(', ')},
      ${ms('max_value')} AS max_ms, bound_ms, negative, late
    FROM (SELECT ${intervalSql(scan.everyNs)} AS interval_ns, ${groupSelect(scan)} count(*) AS n,
        quantile_cont(value, [${quantiles.join(', ')}]) AS q, max(value) AS max_value,
        max(bound_ms) AS bound_ms, count(*) FILTER (WHERE value < 0) AS negative,
        count(*) FILTER (WHERE is_late) AS late
      FROM ${stageRows(raw, grainOf(scan), value)} GROUP BY ${groups})`
}

function latencyRow(row: Row, { by, everyNs, percentiles }: PercentilesScan): LatencyRow {
  return {
    group: groupOf(row, by),
    timeNs: everyNs === null ? null : bigintIn(row, 'interval_ns'),
    // The scan selects the stages it was given.
    stage: textIn(row, 'stage') as Stage,
    n: numberIn(row, 'n'),
    percentilesMs: percentiles.map((_, at) => numberOrNull(row, `p${at}`)),
    maxMs: numberOrNull(row, 'max_ms'),
    clockBoundMs: numberOrNull(row, 'bound_ms'),
    negative: numberIn(row, 'negative'),
    late: numberIn(row, 'late'),
    method: 'exact',
    relError: 0,
  }
}
