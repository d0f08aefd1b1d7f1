import { KINDS, KIND_NAMES, type Kind } from '#lib/telemetry/catalogue.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { SinceRows, SinceScan } from '../../scans.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import { RADIO_NAMES, fieldColumn, radioColumn } from '../write/columns.ts'
import type { Part } from '../files/part.ts'
import { OWN_COLUMNS, readingRow } from './readings.ts'
import { bigintIn, numberIn, rowsOf } from '../files/sql.ts'
import { kindsIn, rawSource, scopeConditions, type RawSource } from './raw-source.ts'
import type { ScanContext } from './view.ts'

/** Times do not matter here, and DuckDB's are signed 64 bits. */
const ALL_TIMES = { fromNs: -(2n ** 63n), toNs: 2n ** 63n - 1n }

const PLACE_COLUMNS = ['position', 'idx', 'received_ns', 'flags']

/**
 * Rows after a place in the journal. The places alone are sorted first, over all kinds; then the
 * wide rows of each kind are read between the two ends that were found.
 */
export async function scanSince(context: ScanContext, query: SinceScan): Promise<SinceRows> {
  const { connection, view } = context
  const { scope, after, toPosition, limit } = query
  const source: Omit<RawSource, 'kinds' | 'columns'> = {
    span: ALL_TIMES,
    where: [
      ...scopeConditions(scope),
      // Written out: DuckDB cannot bound a pair from both sides.
      `position > ${after.position} OR (position = ${after.position} AND idx > ${after.readingOrdinal})`,
      `position BETWEEN ${after.position} AND ${toPosition}`,
    ],
    // A file that ends before the place has nothing after it.
    needs: (part: Part) => part.position >= after.position,
  }
  const rows = rawSource(view, { ...source, kinds: kindsIn(scope), columns: PLACE_COLUMNS })
  const places = await rowsOf(
    connection,
    `SELECT * FROM ${rows} ORDER BY position, idx LIMIT ${limit}`,
  )
  const last = places.at(-1)
  if (!last) return { data: [], receivedFromNs: null }
  const [position, ordinal] = [numberIn(last, 'position'), numberIn(last, 'idx')]
  const edge = `position < ${position} OR (position = ${position} AND idx <= ${ordinal})`
  const ended = { ...source, where: [...source.where, edge] }
  const found = new Set(places.map((row) => row['kind']))
  const data: ReadingRow[] = []
  for (const kind of KIND_NAMES) {
    if (found.has(kind)) data.push(...(await rowsOfKind(context, kind, ended)))
  }
  const first = places.find((row) => (numberIn(row, 'flags') & FLAGS.not_live) === 0)
  return {
    data: data.toSorted((a, b) => a.position - b.position || a.readingOrdinal - b.readingOrdinal),
    receivedFromNs: first ? bigintIn(first, 'received_ns') : null,
  }
}

async function rowsOfKind(
  { connection, view }: ScanContext,
  kind: Kind,
  source: Omit<RawSource, 'kinds' | 'columns'>,
): Promise<ReadingRow[]> {
  const fields = Object.keys(KINDS[kind].fields)
  const columns = [...OWN_COLUMNS, ...fields.map(fieldColumn), ...RADIO_NAMES.map(radioColumn)]
  const rows = await rowsOf(
    connection,
    `SELECT * FROM ${rawSource(view, { ...source, kinds: [kind], columns })}`,
  )
  return rows.map((row) => readingRow(row, kind, fields))
}
