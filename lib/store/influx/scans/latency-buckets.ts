import type { LatencyBuckets } from '#lib/kpi/network/latency.ts'
import type { PercentilesScan } from '../../scans.ts'
import { kindsIn } from '../client/influxql.ts'
import { freshFigures, piecesOf, stageFigures } from '../figures/figure-source.ts'
import {
  FIGURE_STAGES,
  addStage,
  addValue,
  noStage,
  stageMs,
  type StageSum,
} from '../figures/figure-sums.ts'
import { createGroups } from './groups.ts'
import { eachRow } from './raw-rows.ts'
import type { ScanContext } from './view.ts'

/** Buckets per group, interval and stage: all of them, for they are merged here anyway. */
export async function scanLatencyBuckets(
  context: ScanContext,
  scan: PercentilesScan,
): Promise<LatencyBuckets[]> {
  const stages = FIGURE_STAGES.filter((stage) => scan.stages.includes(stage))
  if (stages.length === 0 || kindsIn(scan.scope).length === 0) return []
  const pieces = piecesOf(context.view, scan)
  const groups = createGroups<StageSum>(scan, noStage)
  for (const { timeNs, keys, stages: fresh } of freshFigures(context, scan, pieces.fresh)) {
    for (const stage of stages) {
      const sum = fresh.get(stage)
      if (sum) addStage(groups.at(keys, timeNs, stage), sum)
    }
  }
  for await (const { timeNs, keys, stage, sum } of stageFigures(
    context,
    { ...scan, stages },
    pieces,
  )) {
    const known = stages.find((one) => one === stage)
    if (known) addStage(groups.at(keys, timeNs, known), sum)
  }
  for await (const row of eachRow(context, scan.scope, pieces.raw)) {
    for (const stage of stages) {
      const ms = stageMs(row, stage)
      if (ms === null) continue
      const boundMs = stage === 'uplink' ? row.clockBoundMs : null
      addValue(groups.at(row.keys, row.timeNs, stage), ms, boundMs, row)
    }
  }
  return groups.list().flatMap(({ group, timeNs, stage, sum }): LatencyBuckets[] => {
    if (!stage) return []
    const { maxMs, boundMs, negative, late } = sum
    const buckets = [...sum.buckets].map(([bucket, n]) => ({ bucket, n }))
    return [{ group, timeNs, stage, buckets, maxMs, clockBoundMs: boundMs, negative, late }]
  })
}
