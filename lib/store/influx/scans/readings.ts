import type { ReadingsScan } from '../../scans.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import type { Page } from '#lib/telemetry/page.ts'
import { decodeCursor, encodeCursor } from '../../cursor.ts'
import {
  allOf,
  identifier,
  kindsIn,
  ratConditions,
  readingsWithin,
  scopeConditions,
} from '../client/influxql.ts'
import { MS_NS, floorMs } from '../write/point-time.ts'
import { bigintIn, ownReadings, readingColumns, readingRow, rowsOf, wantedFields } from './rows.ts'
import type { ScanContext } from './view.ts'

interface Place {
  readonly timeNs: bigint
  readonly device: string
  readonly position: number
  readonly readingOrdinal: number
}

/**
 * Raw rows in the order of exact time, device, position and ordinal. InfluxDB sorts by the times of
 * the points, which differ from the exact ones within a millisecond: whole milliseconds are read,
 * until a page is full.
 */
export async function scanReadings(
  context: ScanContext,
  query: ReadingsScan,
): Promise<Page<ReadingRow>> {
  const { kind, order, limit } = query
  const scope = scopeConditions(query.scope)
  if (!kindsIn(query.scope).includes(kind) || !scope) return { data: [], next: null }
  const after = query.cursor === null ? null : placeIn(query.cursor)
  const fields = wantedFields(kind, query.fields)
  const where = [
    ...readingsWithin(fromCursor(query, after)),
    ...scope,
    ...ratConditions(query.rats),
  ]
  const compare = order === 'desc' ? (a: Place, b: Place) => byPlace(b, a) : byPlace
  for (let least = limit + 1; ; least *= 4) {
    const edge = await edgeOf(context, query, { where, least })
    const found = rowsOf(
      await context.influx.query(
        `SELECT ${readingColumns(kind, fields)} FROM ${identifier(kind)}
           WHERE ${allOf([...where, ...edge])}`,
        context.signal,
      ),
    )
    const rows = ownReadings(context.influx, { measurement: kind, rows: found }, (row) =>
      readingRow(row, kind, fields),
    )
      .filter((row) => after === null || compare(row, after) > 0)
      .toSorted(compare)
    if (rows.length <= limit && edge.length > 0) continue
    const data = rows.slice(0, limit)
    const last = data.at(-1)
    return { data, next: rows.length > limit && last ? cursorOf(last) : null }
  }
}

/** Conditions up to the end of the millisecond that a number of points reaches; none for all. */
async function edgeOf(
  { influx, signal }: ScanContext,
  { kind, order }: ReadingsScan,
  { where, least }: { readonly where: readonly string[]; readonly least: number },
): Promise<string[]> {
  const [found] = await influx.query(
    `SELECT "timeNs" FROM ${identifier(kind)} WHERE ${allOf(where)}
       ORDER BY time ${order} LIMIT 1 OFFSET ${least - 1}`,
    signal,
  )
  const [row] = found ? rowsOf([found]) : []
  if (!row) return []
  const ms = floorMs(bigintIn(row, 'time'))
  return [order === 'desc' ? `time >= ${ms}` : `time < ${ms + MS_NS}`]
}

function fromCursor({ fromNs, toNs, order }: ReadingsScan, after: Place | null) {
  if (after === null) return { fromNs, toNs }
  const { timeNs } = after
  return order === 'desc'
    ? { fromNs, toNs: timeNs + 1n < toNs ? timeNs + 1n : toNs }
    : { fromNs: timeNs > fromNs ? timeNs : fromNs, toNs }
}

function byPlace(a: Place, b: Place): number {
  if (a.timeNs !== b.timeNs) return a.timeNs < b.timeNs ? -1 : 1
  if (a.device !== b.device) return a.device < b.device ? -1 : 1
  return a.position - b.position || a.readingOrdinal - b.readingOrdinal
}

function cursorOf({ timeNs, device, position, readingOrdinal }: ReadingRow): string {
  return encodeCursor([String(timeNs), device, String(position), String(readingOrdinal)])
}

function placeIn(cursor: string): Place {
  const [time = '0', device = '', position, ordinal] = decodeCursor(cursor, ['n', 't', 'n', 'n'])
  return {
    timeNs: BigInt(time),
    device,
    position: Number(position),
    readingOrdinal: Number(ordinal),
  }
}
