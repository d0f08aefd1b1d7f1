import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import type { FieldDefinition } from '#lib/telemetry/field.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { Aggregate, AggregateRow, GridScan } from '../../scans.ts'
import type { Page } from '#lib/telemetry/page.ts'
import { fieldColumn } from '../write/columns.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { gridOf, withDeltas } from '../../counter-page.ts'
import { decodeCursor, encodeCursor } from '../../cursor.ts'
import { withinRange } from '../figures/latency-values.ts'
import { isFieldValue, wantedFields } from './readings.ts'
import {
  allOf,
  bigintIn,
  identifier,
  literal,
  numberIn,
  numberOrNull,
  rowsOf,
  textIn,
  type Row,
} from '../files/sql.ts'
import { kindsIn, rawSource, scopeConditions } from './raw-source.ts'
import { DuckCounter } from './counters.ts'
import type { ScanContext } from './view.ts'

/** Orders the rows of a device in one number: time, then position, then ordinal. */
const PLACE = `time_ns::HUGEINT * 72057594037927936 + position * 4096 + least(idx, 4095)`

/** Fields per device and interval, by their role; ordered by time, then device. */
export async function scanAggregates(
  context: ScanContext,
  query: GridScan,
): Promise<Page<AggregateRow>> {
  const { connection, view } = context
  const { kind, limit } = query
  const { everyNs, originNs } = gridOf(query)
  if (!kindsIn(query.scope).includes(kind)) return { data: [], next: null }
  const fields = wantedFields(kind, query.fields)
  const rows = rawSource(view, {
    kinds: [kind],
    span: query,
    columns: ['time_ns', 'device', 'position', 'idx', 'flags', ...fields.map(fieldColumn)],
    where: scopeConditions(query.scope),
  })
  const found = await rowsOf(
    connection,
    `SELECT interval_ns, device, count(*) AS n,
       ${fields
         .flatMap((name) => aggregateSql(kind, name))
         .map((sql) => `${sql}, `)
         .join('')}
     FROM (SELECT *, time_ns - (time_ns - ${originNs}) % ${everyNs} AS interval_ns, ${PLACE} AS place FROM ${rows})
     WHERE ${allOf(afterCursor(query))}
     GROUP BY interval_ns, device ORDER BY interval_ns, device LIMIT ${limit + 1}`,
  )
  const data = found.slice(0, limit).map((row) => aggregateRow(row, kind, fields))
  const last = data.at(-1)
  const more = found.length > limit && last
  const open = (name: string, span: Span) => new DuckCounter(context, { kind, name, span })
  return {
    data: await withDeltas(data, query, open),
    next: more ? encodeCursor([String(last.timeNs), last.device]) : null,
  }
}

function afterCursor({ cursor }: GridScan): string[] {
  if (cursor === null) return []
  const [time, device] = decodeCursor(cursor, ['n', 't'])
  return [`time_ns >= ${time}`, `(interval_ns, device) > (${time}, ${literal(device ?? '')})`]
}

function definitionOf(kind: Kind, name: string): FieldDefinition | undefined {
  return KINDS[kind].fields[name]
}

/** A gauge leaves out values outside their range, and whole rows that jumped. */
function aggregateSql(kind: Kind, name: string): string[] {
  const definition = definitionOf(kind, name)
  const column = identifier(fieldColumn(name))
  const value = definition?.type === 'number' ? withinRange(column, definition) : column
  const as = (what: string) => identifier(`${what}_${name}`)
  if (definition?.role === 'gauge') {
    const plausible = `CASE WHEN (flags & ${FLAGS.implausible_jump}) = 0 THEN ${value} END`
    return [
      `min(${plausible}) AS ${as('min')}`,
      `avg(${plausible}) AS ${as('mean')}`,
      `max(${plausible}) AS ${as('max')}`,
    ]
  }
  const last = `arg_max(${value}, place) AS ${as('last')}`
  return definition?.role === 'counter'
    ? [`arg_min(${value}, place) AS ${as('first')}`, last]
    : [last]
}

function aggregateRow(row: Row, kind: Kind, names: readonly string[]): AggregateRow {
  const fields: Record<string, Aggregate> = {}
  for (const name of names) {
    const aggregate = aggregateIn(row, kind, name)
    if (aggregate) fields[name] = aggregate
  }
  return {
    timeNs: bigintIn(row, 'interval_ns'),
    device: textIn(row, 'device'),
    kind,
    count: numberIn(row, 'n'),
    fields,
  }
}

function aggregateIn(row: Row, kind: Kind, name: string): Aggregate | null {
  const role = definitionOf(kind, name)?.role
  if (role === 'gauge') {
    const min = numberOrNull(row, `min_${name}`)
    const mean = numberOrNull(row, `mean_${name}`)
    const max = numberOrNull(row, `max_${name}`)
    return min === null || mean === null || max === null ? null : { min, mean, max }
  }
  if (role === 'counter') {
    const first = numberOrNull(row, `first_${name}`)
    const last = numberOrNull(row, `last_${name}`)
    return first === null || last === null ? null : { first, last, delta: 0 }
  }
  const last = row[`last_${name}`]
  return isFieldValue(last) ? { last } : null
}
