import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import type { Aggregate, AggregateRow, GridScan } from '../../scans.ts'
import type { Page } from '#lib/telemetry/page.ts'
import { overlap, type Span } from '#lib/telemetry/span.ts'
import { decodeCursor, encodeCursor } from '../../cursor.ts'
import { floorTo, startOf, type Grid } from '#lib/telemetry/time-grid.ts'
import { gridOf, withDeltas } from '../../counter-page.ts'
import { allOf, identifier, kindsIn, readingsWithin, scopeConditions } from '../client/influxql.ts'
import { floorMs } from '../write/point-time.ts'
import { fieldKey } from '../write/reading-point.ts'
import { flagsWith } from './flag-values.ts'
import {
  bigintIn,
  cellIn,
  numberIn,
  numberOrNull,
  rowsOf,
  textIn,
  wantedFields,
  type Row,
} from './rows.ts'
import { influxCounter } from './counters.ts'
import { rangeConditions } from './range-conditions.ts'
import type { ScanContext } from './view.ts'

/*
 * InfluxDB aggregates itself, by device and interval. No point leaves its millisecond, so intervals
 * of whole ms hold the readings that they should. A page is looked for interval by interval, that
 * a long span costs no more than what is shown of it.
 */

interface Source {
  readonly kind: Kind
  readonly grid: Grid
  readonly scope: readonly string[]
}

interface Counted {
  readonly timeNs: bigint
  readonly device: string
  readonly count: number
}

/** Fields per device and interval, by their role; ordered by time, then device. */
export async function scanAggregates(
  context: ScanContext,
  query: GridScan,
): Promise<Page<AggregateRow>> {
  const { kind, everyNs, limit } = query
  const scope = scopeConditions(query.scope)
  if (!kindsIn(query.scope).includes(kind) || !scope) return { data: [], next: null }
  const source = { kind, grid: gridOf(query), scope }
  const counted = await countGroups(context, source, query)
  const shown = counted.slice(0, limit)
  const [first, last] = [shown[0], shown.at(-1)]
  if (!first || !last) return { data: [], next: null }
  const span = overlap(query, { fromNs: first.timeNs, toNs: last.timeNs + everyNs })
  const fields = await fieldsOf(context, source, { names: wantedFields(kind, query.fields), span })
  const data = shown.map(({ timeNs, device, count }) => ({
    timeNs,
    device,
    kind,
    count,
    fields: fields.get(groupKey(timeNs, device)) ?? {},
  }))
  const next = counted.length > limit ? encodeCursor([String(last.timeNs), last.device]) : null
  const open = (name: string, within: Span) => influxCounter(context, { kind, name, span: within })
  return { data: await withDeltas(data, query, open), next }
}

/** Groups after the cursor, one more than are shown. */
async function countGroups(
  context: ScanContext,
  source: Source,
  query: GridScan,
): Promise<Counted[]> {
  const { everyNs, limit } = query
  const after = query.cursor === null ? null : afterCursor(query.cursor)
  const groups: Counted[] = []
  let { fromNs } = query
  if (after && after.timeNs > fromNs) fromNs = after.timeNs
  let intervals = BigInt(limit + 1)
  while (groups.length <= limit) {
    const firstNs = await firstTime(context, source, { fromNs, toNs: query.toNs })
    if (firstNs === null) break
    const start = startOf(firstNs, source.grid)
    const end = start + intervals * everyNs
    const found = await countSpan(context, source, overlap(query, { fromNs: start, toNs: end }))
    groups.push(...found.filter((one) => !after || isAfter(one, after)))
    fromNs = end
    // A span with few of them is followed by a longer one.
    intervals *= 2n
  }
  return groups.slice(0, limit + 1)
}

async function firstTime(
  { influx, signal }: ScanContext,
  { kind, scope }: Source,
  span: Span,
): Promise<bigint | null> {
  if (span.fromNs >= span.toNs) return null
  const where = allOf([...readingsWithin(span), ...scope, IS_READING])
  const series = await influx.query(
    `SELECT "timeNs" FROM ${identifier(kind)} WHERE ${where} ORDER BY time ASC LIMIT 1`,
    signal,
  )
  const [row] = rowsOf(series)
  // No reading leaves its millisecond.
  const firstNs = row ? floorMs(bigintIn(row, 'time')) : null
  return firstNs !== null && firstNs < span.fromNs ? span.fromNs : firstNs
}

async function countSpan(context: ScanContext, source: Source, span: Span): Promise<Counted[]> {
  const [rows = []] = await grouped(context, source, {
    span,
    selects: [{ what: 'count("flags") AS "n"', where: [] }],
  })
  return rows
    .map((row) => ({
      timeNs: bigintIn(row, 'time'),
      device: textIn(row, 'device'),
      count: numberIn(row, 'n'),
    }))
    .filter(({ count, device }) => count > 0 && device !== '')
    .toSorted(byTimeAndDevice)
}

/** Points of another program have no flags. InfluxDB itself could not look closer for less. */
const IS_READING = '"flags" >= 0'

interface Select {
  readonly what: string
  readonly where: readonly string[]
}

/** The rows of each selection, by interval and device. */
async function grouped(
  { influx, signal }: ScanContext,
  { kind, grid, scope }: Source,
  { span, selects }: { readonly span: Span; readonly selects: readonly Select[] },
): Promise<Row[][]> {
  const offsetNs = grid.originNs - floorTo(grid.originNs, grid.everyNs)
  const statements = selects.map(({ what, where }) => {
    const conditions = allOf([...readingsWithin(span), ...scope, IS_READING, ...where])
    return `SELECT ${what} FROM ${identifier(kind)} WHERE ${conditions}
      GROUP BY time(${grid.everyNs}ns, ${offsetNs}ns), "device" fill(none)`
  })
  const results = await influx.queryEach(statements, signal)
  return results.map((series) => rowsOf(series))
}

type Fields = Record<string, Aggregate>

async function fieldsOf(
  context: ScanContext,
  source: Source,
  { names, span }: { readonly names: readonly string[]; readonly span: Span },
): Promise<Map<string, Fields>> {
  const found = new Map<string, Fields>()
  if (names.length === 0) return found
  const { kind } = source
  const hasGauge = names.some((name) => KINDS[kind].fields[name]?.role === 'gauge')
  const where = [...readingsWithin(span), ...source.scope]
  const jumped = hasGauge ? await flagsWith('implausible_jump', context, { kind, where }) : []
  const selects = names.map((name) => selectOf(kind, name, jumped))
  const results = await grouped(context, source, { span, selects })
  for (const [at, rows] of results.entries()) {
    const name = names[at] ?? ''
    for (const row of rows) {
      const aggregate = aggregateIn(row, kind, name)
      if (!aggregate) continue
      const key = groupKey(bigintIn(row, 'time'), textIn(row, 'device'))
      const fields = found.get(key) ?? {}
      found.set(key, fields)
      fields[name] = aggregate
    }
  }
  return found
}

/** A gauge leaves out values outside their range, and whole rows that jumped. */
function selectOf(kind: Kind, name: string, jumped: readonly number[]): Select {
  const definition = KINDS[kind].fields[name]
  const column = identifier(fieldKey(name))
  const where = rangeConditions(kind, name)
  if (definition?.role === 'gauge') {
    where.push(...jumped.map((bits) => `"flags" != ${bits}`))
    return { what: ['min', 'mean', 'max'].map((of) => call(of, column)).join(', '), where }
  }
  const calls = definition?.role === 'counter' ? ['first', 'last'] : ['last']
  return { what: calls.map((of) => call(of, column)).join(', '), where }
}

const call = (of: string, column: string) => `${of}(${column}) AS "${of}_"`

function aggregateIn(row: Row, kind: Kind, name: string): Aggregate | null {
  const definition = KINDS[kind].fields[name]
  if (definition?.role === 'gauge') {
    const [min, mean, max] = ['min_', 'mean_', 'max_'].map((of) => numberOrNull(row, of))
    if (typeof min !== 'number' || typeof mean !== 'number' || typeof max !== 'number') return null
    return { min, mean, max }
  }
  if (definition?.role === 'counter') {
    const first = numberOrNull(row, 'first_')
    const last = numberOrNull(row, 'last_')
    return first === null || last === null ? null : { first, last, delta: 0 }
  }
  const last: FieldValue | null = cellIn(row, 'last_')
  return last === null ? null : { last }
}

function groupKey(timeNs: bigint, device: string): string {
  return `${timeNs} ${device}`
}

type Group = Pick<Counted, 'timeNs' | 'device'>

function byTimeAndDevice(a: Group, b: Group): number {
  if (a.timeNs !== b.timeNs) return a.timeNs < b.timeNs ? -1 : 1
  return a.device < b.device ? -1 : 1
}

function isAfter(one: Group, after: Group): boolean {
  return one.timeNs > after.timeNs || (one.timeNs === after.timeNs && one.device > after.device)
}

function afterCursor(cursor: string): Group {
  const [time = '0', device = ''] = decodeCursor(cursor, ['n', 't'])
  return { timeNs: BigInt(time), device }
}
