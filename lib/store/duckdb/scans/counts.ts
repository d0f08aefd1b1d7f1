import type { CountRow } from '#lib/kpi/network/throughput.ts'
import {
  countSource,
  groupNames,
  groupOf,
  groupSelect,
  intervalSql,
} from '../figures/figure-source.ts'
import type { FigureScan } from '../../scans.ts'
import { bigintIn, numberIn, rowsOf } from '../files/sql.ts'
import { kindsIn } from './raw-source.ts'
import type { ScanContext } from './view.ts'

/** Messages, readings and payload bytes per group and interval. */
export async function scanCounts(
  { connection, view }: ScanContext,
  scan: FigureScan,
): Promise<CountRow[]> {
  const { by, everyNs, fromNs, toNs } = scan
  if (kindsIn(scan.scope).length === 0 || fromNs >= toNs) return []
  const groups = groupNames(by)
  const rows = await rowsOf(
    connection,
    `SELECT ${intervalSql(everyNs)} AS interval_ns, ${groupSelect(scan)}
       sum(messages)::BIGINT AS messages, sum(readings)::BIGINT AS readings,
       sum(bytes)::BIGINT AS bytes
     FROM ${countSource(view, scan)} GROUP BY ${groups} ORDER BY ${groups}`,
  )
  return rows.map((row) => ({
    group: groupOf(row, by),
    timeNs: everyNs === null ? null : bigintIn(row, 'interval_ns'),
    messages: numberIn(row, 'messages'),
    readings: numberIn(row, 'readings'),
    bytes: numberIn(row, 'bytes'),
  }))
}
