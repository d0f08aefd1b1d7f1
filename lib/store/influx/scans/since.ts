import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { SinceRows, SinceScan } from '../../scans.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import type { Span } from '#lib/telemetry/span.ts'
import {
  allOf,
  identifier,
  kindsIn,
  literal,
  readingsWithin,
  scopeConditions,
  within,
} from '../client/influxql.ts'
import { bigintIn, numberIn, ownReadings, readingColumns, readingRow, rowsOf } from './rows.ts'
import type { ScanContext, View } from './view.ts'

/** Positions that are looked at first; mostly each has one reading. */
const FIRST_POSITIONS = 1000

interface Placed {
  readonly row: ReadingRow
  readonly flags: number
}

/**
 * Rows after a place in the journal. InfluxDB cannot sort by position, so rows of a run of
 * positions are read, a longer one each time, until there are enough.
 */
export async function scanSince(context: ScanContext, query: SinceScan): Promise<SinceRows> {
  const { view } = context
  const { after, limit } = query
  const nothing = { data: [], receivedFromNs: null }
  const toPosition = Math.min(query.toPosition, lastPosition(view))
  if (scopeConditions(query.scope) === null) return nothing
  const found: Placed[] = []
  let from = after.position
  let step = Math.max(FIRST_POSITIONS, 2 * limit)
  while (from <= toPosition && found.length < limit) {
    const to = Math.min(toPosition, from + step)
    found.push(...(await rowsBetween(context, query, { from, to })))
    from = to + 1
    step *= 4
  }
  const page = found.slice(0, limit)
  const first = page.find(({ flags }) => (flags & FLAGS.not_live) === 0)
  return {
    data: page.map(({ row }) => row),
    receivedFromNs: first?.row.receivedAtNs ?? null,
  }
}

function lastPosition({ parts }: View): number {
  return Math.max(0, ...[...parts.values()].map(({ position }) => position))
}

async function rowsBetween(
  context: ScanContext,
  query: SinceScan,
  positions: { readonly from: number; readonly to: number },
): Promise<Placed[]> {
  const found: Placed[] = []
  for (const kind of kindsIn(query.scope)) {
    const span = spanAfter(context.view, kind, positions.from)
    if (span) found.push(...(await rowsOfKind(context, query, { kind, span, ...positions })))
  }
  const { after } = query
  return found
    .filter(({ row }) => row.position > after.position || row.readingOrdinal > after.readingOrdinal)
    .toSorted(
      (a, b) => a.row.position - b.row.position || a.row.readingOrdinal - b.row.readingOrdinal,
    )
}

interface Run {
  readonly kind: Kind
  readonly span: Span
  readonly from: number
  readonly to: number
}

/** The positions alone show when the rows were; all their columns are read only there. */
async function rowsOfKind(
  { influx, view, signal }: ScanContext,
  { scope }: SinceScan,
  { kind, span, from, to }: Run,
): Promise<Placed[]> {
  const where = [
    ...(scopeConditions(scope) ?? []),
    `"position" >= ${from}`,
    `"position" <= ${to}`,
    `"journal" = ${literal(view.journal)}`,
  ]
  const edges = ['ASC', 'DESC'].map(
    (order) => `SELECT "position" FROM ${identifier(kind)}
      WHERE ${allOf([...readingsWithin(span), ...where])} ORDER BY time ${order} LIMIT 1`,
  )
  const [first, last] = rowsOf((await influx.queryEach(edges, signal)).flat())
  if (!first || !last) return []
  const points = { fromNs: bigintIn(first, 'time'), toNs: bigintIn(last, 'time') + 1n }
  const fields = Object.keys(KINDS[kind].fields)
  const series = await influx.query(
    `SELECT ${readingColumns(kind, fields)} FROM ${identifier(kind)}
       WHERE ${allOf([within(points), ...where])}`,
    signal,
  )
  return ownReadings(influx, { measurement: kind, rows: rowsOf(series) }, (row) => ({
    row: readingRow(row, kind, fields),
    flags: numberIn(row, 'flags'),
  }))
}

/** Device times of the parts that go beyond a position: the others have nothing after it. */
function spanAfter({ parts }: View, kind: Kind, position: number): Span | null {
  let span: Span | null = null
  for (const part of parts.values()) {
    const extent = part.extents.get(kind)
    if (!extent || part.position < position) continue
    const toNs = extent.maxNs + 1n
    span = {
      fromNs: span && span.fromNs < extent.minNs ? span.fromNs : extent.minNs,
      toNs: span && span.toNs > toNs ? span.toNs : toNs,
    }
  }
  return span
}
