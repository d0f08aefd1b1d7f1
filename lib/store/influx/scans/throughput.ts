import { FLAGS } from '#lib/telemetry/flags.ts'
import type { FigureScan, ThroughputRow } from '../../scans.ts'
import { countFigures, freshFigures, piecesOf } from '../figures/figure-source.ts'
import { addCounts, noCounts, type Counts } from '../figures/figure-sums.ts'
import { createGroups } from './groups.ts'
import { kindsIn } from '../client/influxql.ts'
import { eachRow } from './raw-rows.ts'
import type { ScanContext } from './view.ts'

/** Messages, readings and payload bytes per group and interval. */
export async function scanThroughput(
  context: ScanContext,
  query: FigureScan,
): Promise<ThroughputRow[]> {
  if (kindsIn(query.scope).length === 0 || query.fromNs >= query.toNs) return []
  const pieces = piecesOf(context.view, query)
  const groups = createGroups<Counts>(query, noCounts)
  for (const { timeNs, keys, counts } of freshFigures(context, query, pieces.fresh)) {
    addCounts(groups.at(keys, timeNs), counts)
  }
  for await (const { timeNs, keys, counts } of countFigures(context, query, pieces)) {
    addCounts(groups.at(keys, timeNs), counts)
  }
  for await (const row of eachRow(context, query.scope, pieces.raw)) {
    const { keys, timeNs, flags, bytes } = row
    if ((flags & FLAGS.not_live) !== 0) continue
    addCounts(groups.at(keys, timeNs), { readings: 1, bytes, messages: bytes > 0 ? 1 : 0 })
  }
  return groups.list().flatMap(({ group, timeNs, sum }) => {
    const { messages, readings, bytes } = sum
    if (readings === 0) return []
    const seconds = Number(overlapNs(timeNs, query)) / 1e9
    const rates = { messagesPerS: messages / seconds, bytesPerS: bytes / seconds }
    return { group, timeNs, messages, readings, bytes, ...rates }
  })
}

/** How much of an interval lies within the span: the first and the last may be cut. */
function overlapNs(startNs: bigint | null, { fromNs, toNs, everyNs }: FigureScan): bigint {
  if (startNs === null || everyNs === null) return toNs - fromNs
  const from = startNs > fromNs ? startNs : fromNs
  const to = startNs + everyNs < toNs ? startNs + everyNs : toNs
  // An hour that stands for minutes already gone may begin before a finer interval ends.
  return to > from ? to - from : everyNs
}
