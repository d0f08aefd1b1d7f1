import { compareLatency, latencyFigures, type LatencyRow } from '#lib/kpi/network/latency.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { rowsWithin } from '../../extent.ts'
import type { PercentilesScan } from '../../scans.ts'
import { kindsIn } from '../client/influxql.ts'
import { FIGURE_STAGES, larger, stageMs } from '../figures/figure-sums.ts'
import { createGroups } from './groups.ts'
import { eachRow } from './raw-rows.ts'
import type { ScanContext, View } from './view.ts'

/**
 * Up to this many raw rows in the span percentiles are exact; beyond, of buckets. InfluxDB takes some
 * 30 us for each (1.6, one core), so this is a second or two.
 */
const EXACT_ROWS = 50_000

/** Whether all raw rows of the span are there, and few enough. */
export function isExact(view: View, scan: PercentilesScan): boolean {
  if (scan.fromNs <= view.droppedNs) return false
  return rowsWithin(view.parts.values(), kindsIn(scan.scope), scan) <= EXACT_ROWS
}

interface Values {
  readonly ms: number[]
  boundMs: number | null
  late: number
}

/** Exact percentiles per group, interval and stage; null where they would cost too much. */
export async function scanExactLatency(
  context: ScanContext,
  scan: PercentilesScan,
): Promise<LatencyRow[] | null> {
  if (!isExact(context.view, scan)) return null
  const stages = FIGURE_STAGES.filter((stage) => scan.stages.includes(stage))
  if (stages.length === 0 || kindsIn(scan.scope).length === 0) return []
  const groups = createGroups<Values>(scan, () => ({ ms: [], boundMs: null, late: 0 }))
  for await (const row of eachRow(context, scan.scope, [scan])) {
    for (const stage of stages) {
      const ms = stageMs(row, stage)
      if (ms === null) continue
      const values = groups.at(row.keys, row.timeNs, stage)
      values.ms.push(ms)
      if ((row.flags & FLAGS.late) !== 0) values.late += 1
      if (stage === 'uplink') values.boundMs = larger(values.boundMs, row.clockBoundMs)
    }
  }
  return groups
    .list()
    .flatMap(({ group, timeNs, stage, sum: { ms, boundMs, late } }): LatencyRow[] => {
      if (!stage) return []
      const figures = latencyFigures(ms, scan.percentiles)
      const exact = { method: 'exact', relError: 0, clockBoundMs: boundMs, late } as const
      return [{ group, timeNs, stage, ...figures, ...exact }]
    })
    .toSorted(compareLatency)
}
