import type { SequenceRow } from '#lib/kpi/network/loss.ts'
import type { FigureScan } from '../../scans.ts'
import { MINUTE_NS, ceilTo, floorTo } from '#lib/telemetry/time-grid.ts'
import { countFigures, freshFigures, piecesOf } from '../figures/figure-source.ts'
import { addCounts, noCounts, type Counts } from '../figures/figure-sums.ts'
import { createGroups } from './groups.ts'
import type { ScanContext } from './view.ts'

/** Loss per group and interval. */
export async function scanSequenceRuns(
  context: ScanContext,
  scan: FigureScan,
): Promise<SequenceRow[]> {
  const { everyNs } = scan
  const span = { fromNs: floorTo(scan.fromNs, MINUTE_NS), toNs: ceilTo(scan.toNs, MINUTE_NS) }
  const whole = { ...scan, ...span }
  // Loss has no finer grain than a minute: shorter intervals are made of whole minutes as well.
  const grain = everyNs !== null && everyNs < MINUTE_NS ? MINUTE_NS : everyNs
  const pieces = piecesOf(context.view, { ...whole, everyNs: grain })
  const groups = createGroups<Counts>(scan, noCounts)
  for (const { timeNs, keys, counts } of freshFigures(context, whole, pieces.fresh)) {
    addCounts(groups.at(keys, timeNs), counts)
  }
  for await (const { timeNs, keys, counts } of countFigures(context, whole, pieces)) {
    addCounts(groups.at(keys, timeNs), counts)
  }
  return groups.list().map(({ group, timeNs, sum: { received, lost, restarts } }) => {
    return { group, timeNs, received, lost, restarts }
  })
}
