import type { FigureScan, LossRow } from '../../scans.ts'
import { MINUTE_NS, ceilTo, floorTo } from '../../time-grid.ts'
import { countFigures, freshFigures, piecesOf } from '../figures/figure-source.ts'
import { addCounts, noCounts, type Counts } from '../figures/figure-sums.ts'
import { createGroups } from './groups.ts'
import type { ScanContext } from './view.ts'

/**
 * Loss per group and interval, by sequence numbers in the order of arrival over all kinds of a
 * channel. Answered for whole minutes: those that the span touches. A gap counts where the next
 * number was measured.
 */
export async function scanLoss(context: ScanContext, query: FigureScan): Promise<LossRow[]> {
  const { everyNs } = query
  const span = { fromNs: floorTo(query.fromNs, MINUTE_NS), toNs: ceilTo(query.toNs, MINUTE_NS) }
  const whole = { ...query, ...span }
  // Loss has no finer grain than a minute: shorter intervals are made of whole minutes as well.
  const grain = everyNs !== null && everyNs < MINUTE_NS ? MINUTE_NS : everyNs
  const pieces = piecesOf(context.view, { ...whole, everyNs: grain })
  const groups = createGroups<Counts>(query, noCounts)
  for (const { timeNs, keys, counts } of freshFigures(context, whole, pieces.fresh)) {
    addCounts(groups.at(keys, timeNs), counts)
  }
  for await (const { timeNs, keys, counts } of countFigures(context, whole, pieces)) {
    addCounts(groups.at(keys, timeNs), counts)
  }
  return groups.list().flatMap(({ group, timeNs, sum }) => {
    const { received, lost, restarts } = sum
    const expected = received + lost
    if (expected === 0 && restarts === 0) return []
    const lossRatio = expected === 0 ? null : lost / expected
    return { group, timeNs, expected, received, lost, lossRatio, restarts }
  })
}
