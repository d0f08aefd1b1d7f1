import type { DatabaseSync } from 'node:sqlite'
import {
  REJECTION_GROUPINGS,
  type RejectionGroup,
  type RejectionGrouping,
  type RejectionGroupsScan,
} from '#lib/queries/intake-state.ts'
import { RejectionFilter } from './rejection-sql.ts'

const COLUMNS: Readonly<Record<RejectionGrouping, string>> = {
  reason: 'r.reason',
  device: 'm.device',
  subDevice: 'r.sub_device',
  format: 'r.format',
  path: 'r.path',
}

/** An array of free paths could make as many groups as there are rejections. */
const MAX_GROUPS = 10_000

/** How many there are of each sort, most frequent first. */
export function groupRejections(
  db: DatabaseSync,
  { by, scope, reasons, fromNs, toNs }: RejectionGroupsScan,
): readonly RejectionGroup[] {
  const filter = new RejectionFilter()
  filter.add('m.received_ns >= ? AND m.received_ns < ?', fromNs, toNs)
  filter.addScope(scope)
  filter.addList('r.reason', reasons)
  const wanted = REJECTION_GROUPINGS.filter((name) => by.includes(name))
  const columns = wanted.map((name) => `${COLUMNS[name]} AS "${name}"`)
  const groups = wanted.map((_, at) => String(at + 1))
  const statement = db.prepare(
    `SELECT ${[...columns, ''].join(', ')} sum(r.elements) AS n,
       sum(iif(r.recovered_ns IS NULL, 0, r.elements)) AS recovered,
       min(m.received_ns) AS first_ns, max(m.received_ns) AS last_ns
     FROM rejections r JOIN rejected_messages m USING (position)
     WHERE ${filter.where}
     ${groups.length === 0 ? 'HAVING count(*) > 0' : `GROUP BY ${groups.join(', ')}`}
     ORDER BY n DESC, last_ns DESC LIMIT ${MAX_GROUPS}`,
  )
  statement.setReadBigInts(true)
  return statement.all(...filter.values).map((row) => ({
    group: Object.fromEntries(wanted.map((name) => [name, String(row[name])])),
    count: Number(row['n']),
    recovered: Number(row['recovered']),
    firstNs: BigInt(String(row['first_ns'])),
    lastNs: BigInt(String(row['last_ns'])),
  }))
}
