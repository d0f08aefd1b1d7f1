import type { FigureScan, ThroughputRow } from '../../scans.ts'
import { countSource, groupNames, groupOf, groupSelect } from '../figures/figure-source.ts'
import { bigintIn, numberIn, rowsOf } from '../files/sql.ts'
import { intervalSql } from '../../time-grid.ts'
import { kindsIn, type ScanContext } from './view.ts'

/** Messages, readings and payload bytes per group and interval. */
export async function scanThroughput(
  { connection, view }: ScanContext,
  query: FigureScan,
): Promise<ThroughputRow[]> {
  const { by, everyNs, fromNs, toNs } = query
  if (kindsIn(query.scope).length === 0 || fromNs >= toNs) return []
  const groups = groupNames(by)
  const rows = await rowsOf(
    connection,
    `SELECT ${intervalSql(everyNs)} AS interval_ns, ${groupSelect(query)}
       sum(messages)::BIGINT AS messages, sum(readings)::BIGINT AS readings,
       sum(bytes)::BIGINT AS bytes
     FROM ${countSource(view, query)} GROUP BY ${groups} HAVING sum(readings) > 0 ORDER BY ${groups}`,
  )
  return rows.map((row) => {
    const timeNs = everyNs === null ? null : bigintIn(row, 'interval_ns')
    const seconds = Number(overlapNs(timeNs, query)) / 1e9
    const messages = numberIn(row, 'messages')
    const bytes = numberIn(row, 'bytes')
    return {
      group: groupOf(row, by),
      timeNs,
      messages,
      readings: numberIn(row, 'readings'),
      bytes,
      messagesPerS: messages / seconds,
      bytesPerS: bytes / seconds,
    }
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
