import type { Page } from '#lib/telemetry/page.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import type { AggregateRow, AggregatesScan, GridScan } from './scans.ts'

/**
 * A page of aggregates whose intervals may follow the calendar: each of those is a scan of its own,
 * for they have no common length. Both stores use it.
 */
export async function calendarPage(
  { buckets = null, everyNs, ...scan }: AggregatesScan,
  run: (scan: GridScan) => Promise<Page<AggregateRow>>,
): Promise<Page<AggregateRow>> {
  if (everyNs !== null) return await run({ ...scan, everyNs })
  const { cursor, limit } = scan
  const afterNs = cursor === null ? null : BigInt(decodeCursor(cursor, ['n', 't'])[0] ?? 0)
  const data: AggregateRow[] = []
  for (const { startNs, fromNs, toNs } of buckets ?? []) {
    if (afterNs !== null && startNs < afterNs) continue
    // The last row of a full page is where the next one goes on.
    const last = data.at(-1)
    if (last && data.length === limit) {
      return { data, next: encodeCursor([String(last.timeNs), last.device]) }
    }
    const page = await run({
      ...scan,
      fromNs,
      toNs,
      originNs: startNs,
      everyNs: toNs - startNs,
      limit: limit - data.length,
      cursor: startNs === afterNs ? cursor : null,
    })
    data.push(...page.data)
    if (page.next !== null) return { data, next: page.next }
  }
  return { data, next: null }
}
