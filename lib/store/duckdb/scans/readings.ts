import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import { flagNames } from '#lib/telemetry/flags.ts'
import type { ReadingsScan } from '../../scans.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import type { Page } from '#lib/telemetry/page.ts'
import type { Span } from '#lib/telemetry/span.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import type { Radio } from '#lib/telemetry/radio.ts'
import { RADIO_NAMES, fieldColumn, radioColumn } from '../write/columns.ts'
import { decodeCursor, encodeCursor } from '../../cursor.ts'
import {
  bigintIn,
  bigintOrNull,
  literal,
  numberIn,
  numberOrNull,
  rowsOf,
  textIn,
  type Row,
} from '../files/sql.ts'
import { kindsIn, ratConditions, rawSource, scopeConditions } from './raw-source.ts'
import type { ScanContext, View } from './view.ts'

export const OWN_COLUMNS = [
  'time_ns',
  'device',
  'position',
  'idx',
  'channel',
  'seq',
  'received_ns',
  'claimed_ns',
  'flags',
]

/**
 * Raw rows in the order of time, device, position and ordinal: an order that every row has its own
 * place in, so the cursor is simply the last row shown, and stays right while new rows arrive.
 */
export async function scanReadings(
  context: ScanContext,
  query: ReadingsScan,
): Promise<Page<ReadingRow>> {
  const { connection, view } = context
  const { kind, order, limit } = query
  if (!kindsIn(query.scope).includes(kind)) return { data: [], next: null }
  const fields = wantedFields(kind, query.fields)
  const direction = order === 'desc' ? 'DESC' : 'ASC'
  const source = {
    kinds: [kind],
    columns: [...OWN_COLUMNS, ...fields.map(fieldColumn), ...RADIO_NAMES.map(radioColumn)],
    where: [...scopeConditions(query.scope), ...ratConditions(query.rats), ...afterCursor(query)],
  }
  const span = await spanOfPage(context, query, source.where)
  const rows = rawSource(view, { ...source, span })
  const found = await rowsOf(
    connection,
    `SELECT * FROM ${rows} ORDER BY time_ns ${direction}, device ${direction},
       position ${direction}, idx ${direction} LIMIT ${limit + 1}`,
  )
  const data = found.slice(0, limit).map((row) => readingRow(row, kind, fields))
  const last = data.at(-1)
  return { data, next: found.length > limit && last ? cursorOf(last) : null }
}

/**
 * The span that holds one page: found by the times alone, so that all the other columns are read of
 * few rows. Rows written in between lie within it, or after the page.
 */
async function spanOfPage(
  { connection, view }: ScanContext,
  query: ReadingsScan,
  where: readonly string[],
): Promise<Span> {
  const { kind, fromNs, toNs, limit, order } = query
  const columns = ['time_ns', 'device', 'position', 'idx']
  const edge = order === 'desc' ? 'min' : 'max'
  let missing = limit + 1
  for (const span of slicesOf(view, query)) {
    const rows = rawSource(view, { kinds: [kind], span, columns, where })
    const [found] = await rowsOf(
      connection,
      `SELECT count(*) AS n, ${edge}(time_ns) AS edge_ns FROM (
         SELECT time_ns FROM ${rows} ORDER BY time_ns ${order} LIMIT ${missing})`,
    )
    missing -= found ? numberIn(found, 'n') : 0
    if (!found || missing > 0) continue
    const edgeNs = bigintIn(found, 'edge_ns')
    return order === 'desc' ? { fromNs: edgeNs, toNs } : { fromNs, toNs: edgeNs + 1n }
  }
  return { fromNs, toNs }
}

/**
 * The part of a span in which there are rows, cut into slices that grow from where a page begins: a page
 * mostly lies within a few seconds, and the files skip what lies outside them.
 */
function slicesOf({ parts }: View, query: ReadingsScan): readonly Span[] {
  const { kind, order } = query
  const { fromNs, toNs } = spanAfterCursor(query)
  const extents = parts.flatMap(({ extents: found }) => found.get(kind) ?? [])
  const begin = extents.reduce((low, { minNs }) => (minNs < low ? minNs : low), toNs)
  const end = extents.reduce((high, { maxNs }) => (maxNs >= high ? maxNs + 1n : high), fromNs)
  const first = begin > fromNs ? begin : fromNs
  const last = end < toNs ? end : toNs
  const slices: Span[] = []
  let width = SLICE_NS
  if (order === 'desc') {
    for (let to = last; to > first; to -= width, width *= GROWTH) {
      slices.push({ fromNs: to - width > first ? to - width : first, toNs: to })
    }
  } else {
    for (let from = first; from < last; from += width, width *= GROWTH) {
      slices.push({ fromNs: from, toNs: from + width < last ? from + width : last })
    }
  }
  return slices
}

/** What of a span a page can still show. */
function spanAfterCursor({ fromNs, toNs, cursor, order }: ReadingsScan): Span {
  const [time] = cursor === null ? [] : decodeCursor(cursor, ['n', 't', 'n', 'n'])
  if (time === undefined) return { fromNs, toNs }
  const atNs = BigInt(time)
  if (order === 'desc') return { fromNs, toNs: atNs < toNs ? atNs + 1n : toNs }
  return { fromNs: atNs > fromNs ? atNs : fromNs, toNs }
}

const SLICE_NS = 16_000_000_000n
const GROWTH = 8n

/** The fields of a kind that are wanted; null means all of them. */
export function wantedFields(kind: Kind, fields: readonly string[] | null): string[] {
  const all = Object.keys(KINDS[kind].fields)
  return fields ? all.filter((name) => fields.includes(name)) : all
}

function cursorOf({ timeNs, device, position, readingOrdinal }: ReadingRow): string {
  return encodeCursor([String(timeNs), device, String(position), String(readingOrdinal)])
}

function afterCursor({ cursor, order }: ReadingsScan): string[] {
  if (cursor === null) return []
  const [time, device, position, ordinal] = decodeCursor(cursor, ['n', 't', 'n', 'n'])
  const beyond = order === 'desc' ? '<' : '>'
  return [
    `time_ns ${beyond}= ${time}`,
    `(time_ns, device, position, idx) ${beyond} (${time}, ${literal(device ?? '')}, ${position}, ${ordinal})`,
  ]
}

export function readingRow(row: Row, kind: Kind, names: readonly string[]): ReadingRow {
  return {
    timeNs: bigintIn(row, 'time_ns'),
    device: textIn(row, 'device'),
    kind,
    channel: textIn(row, 'channel'),
    seq: numberOrNull(row, 'seq'),
    receivedAtNs: bigintIn(row, 'received_ns'),
    claimedTimeNs: bigintOrNull(row, 'claimed_ns'),
    position: numberIn(row, 'position'),
    readingOrdinal: numberIn(row, 'idx'),
    flags: flagNames(numberIn(row, 'flags')),
    fields: fieldsIn(row, names),
    radio: radioIn(row),
  }
}

function fieldsIn(row: Row, names: readonly string[]): Record<string, FieldValue> {
  const fields: Record<string, FieldValue> = {}
  for (const name of names) {
    const value = row[fieldColumn(name)]
    if (isFieldValue(value)) fields[name] = value
  }
  return fields
}

function radioIn(row: Row): Radio | null {
  const radio: Record<string, unknown> = {}
  let any = false
  for (const name of RADIO_NAMES) {
    const value = row[radioColumn(name)]
    if (!isFieldValue(value)) continue
    radio[name] = value
    any = true
  }
  // The columns are typed by RADIO_FIELDS, as Radio is.
  return any ? radio : null
}

export function isFieldValue(value: unknown): value is FieldValue {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean'
}
