import type { DatabaseSync } from 'node:sqlite'
import type { Page } from '#lib/telemetry/page.ts'
import type { RejectionRow } from '#lib/telemetry/rejection.ts'
import type { RejectionsScan } from '#lib/queries/intake-state.ts'
import { decodeRuns } from './rejection-entries.ts'
import { parseRejectionId, rejectionId } from './rejected-message.ts'
import { RejectionFilter, bytesOf, reasonOf } from './rejection-sql.ts'

/** Rejections of a span, page by page. */
export function listRejections(db: DatabaseSync, query: RejectionsScan): Page<RejectionRow> {
  const { fromNs, toNs, reasons, order, limit, cursor, scope } = query
  const [direction, beyond] = order === 'desc' ? ['DESC', '<'] : ['ASC', '>']
  const filter = new RejectionFilter()
  filter.add('m.received_ns >= ? AND m.received_ns < ?', fromNs, toNs)
  filter.addScope(scope)
  filter.addList('r.reason', reasons)
  const after = cursor === null ? null : parseRejectionId(cursor)
  if (after) filter.add(`(r.position, r.item) ${beyond} (?, ?)`, after.position, after.elementIndex)
  const statement = db.prepare(
    `SELECT * FROM rejections r JOIN rejected_messages m USING (position)
     WHERE ${filter.where}
     ORDER BY r.position ${direction}, r.item ${direction} LIMIT ?`,
  )
  statement.setReadBigInts(true)
  const rows = statement.all(...filter.values, limit + 1).map(rejectionRow)
  const data = rows.slice(0, limit)
  return { data, next: rows.length > limit ? (data.at(-1)?.id ?? null) : null }
}

function rejectionRow(row: Record<string, unknown>): RejectionRow {
  const item = Number(row['item'])
  const covers = String(row['covers'])
  const elementIndex = covers === '' ? item : (decodeRuns(covers)[0] ?? -1)
  const recovered = row['recovered_ns']
  return {
    id: rejectionId(Number(row['position']), item),
    timeNs: BigInt(String(row['received_ns'])),
    device: String(row['device']),
    topic: String(row['topic']),
    reason: reasonOf(row['reason']),
    path: String(row['path']),
    expected: String(row['expected']),
    got: String(row['got']),
    format: String(row['format']),
    formatVersion: Number(row['format_version']),
    subDevice: row['sub_device'] === '' ? null : String(row['sub_device']),
    item: elementIndex < 0 ? null : elementIndex,
    elements: Number(row['elements']),
    payload: bytesOf(row['payload']),
    recoveredAtNs: typeof recovered === 'bigint' ? recovered : null,
  }
}
