import type { CountRow } from '#lib/kpi/network/throughput.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { FigureScan } from '../../scans.ts'
import { kindsIn } from '../client/influxql.ts'
import { countFigures, freshFigures, piecesOf } from '../figures/figure-source.ts'
import { addCounts, noCounts, type Counts } from '../figures/figure-sums.ts'
import { createGroups } from './groups.ts'
import { eachRow } from './raw-rows.ts'
import type { ScanContext } from './view.ts'

/** Messages, readings and payload bytes per group and interval. */
export async function scanCounts(context: ScanContext, scan: FigureScan): Promise<CountRow[]> {
  if (kindsIn(scan.scope).length === 0 || scan.fromNs >= scan.toNs) return []
  const pieces = piecesOf(context.view, scan)
  const groups = createGroups<Counts>(scan, noCounts)
  for (const { timeNs, keys, counts } of freshFigures(context, scan, pieces.fresh)) {
    addCounts(groups.at(keys, timeNs), counts)
  }
  for await (const { timeNs, keys, counts } of countFigures(context, scan, pieces)) {
    addCounts(groups.at(keys, timeNs), counts)
  }
  for await (const row of eachRow(context, scan.scope, pieces.raw)) {
    const { keys, timeNs, flags, bytes } = row
    if ((flags & FLAGS.not_live) !== 0) continue
    addCounts(groups.at(keys, timeNs), { readings: 1, bytes, messages: bytes > 0 ? 1 : 0 })
  }
  return groups.list().map(({ group, timeNs, sum: { messages, readings, bytes } }) => {
    return { group, timeNs, messages, readings, bytes }
  })
}
