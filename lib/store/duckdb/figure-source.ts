import type { FigureQuery, Grouping, Stage } from '#lib/telemetry/questions.ts'
import { COUNTS, FIGURES, KEYS } from './figures.ts'
import {
  COUNTS_FOR_VOLUME,
  IS_LATE,
  KEY_VALUES,
  LATENCY_COLUMNS,
  latencyValues,
} from './latency-values.ts'
import type { Extent, Part } from './part.ts'
import { allOf, isOneOf, textOrNull, type Row } from './sql.ts'
import { HOUR_NS, MINUTE_NS, ceilTo, floorTo } from '../time-grid.ts'
import { TENANT, kindsIn, rawSource, scopeConditions, type View } from './view.ts'

/*
 * A question over a span is put together of three sources: whole hours from the hour figures, whole
 * minutes from the minute figures, and raw rows for the ends of the span and for what is not rolled
 * up yet. Every row counts in exactly one of them.
 */

interface Pieces {
  readonly raw: string
  readonly needsRaw: (part: Part, extent: Extent) => boolean
  readonly minutes: string
  readonly hours: string
}

type Shape = Pick<FigureQuery, 'fromNs' | 'toNs' | 'everyNs'>

export function piecesOf(view: View, { fromNs, toNs, everyNs }: Shape): Pieces {
  const { rolled, hoursRolled, minuteFloorNs: floorNs } = view
  // Before the floor only hours are left: an hour counts where it begins.
  const sinceNs = fromNs > floorNs ? fromNs : floorNs
  const [minuteFrom, minuteTo] = wholeSteps(sinceNs, toNs, everyNs, MINUTE_NS)
  const [hourFrom, hourTo] = wholeSteps(sinceNs, toNs, everyNs, HOUR_NS)
  const within = (from: bigint, to: bigint) => `(time_ns >= ${from} AND time_ns < ${to})`
  const inMinutes = within(minuteFrom, minuteTo)
  const inHours = within(hourFrom, hourTo)
  const onlyHours = floorNs > fromNs ? within(fromNs, floorNs < toNs ? floorNs : toNs) : 'false'
  return {
    raw: `position > ${rolled} OR NOT (${inMinutes} OR ${onlyHours})`,
    needsRaw: (part, { minNs, maxNs }) =>
      part.position > rolled || minNs < minuteFrom || maxNs >= minuteTo,
    minutes: `upto <= ${rolled} AND ${inMinutes} AND (upto > ${hoursRolled} OR NOT ${inHours})`,
    hours: `upto <= ${hoursRolled} AND (${inHours} OR ${onlyHours})`,
  }
}

/** The whole steps within a span; none (an empty range at its start) where intervals are finer. */
function wholeSteps(
  fromNs: bigint,
  toNs: bigint,
  everyNs: bigint | null,
  stepNs: bigint,
): readonly [bigint, bigint] {
  if (everyNs !== null && everyNs % stepNs !== 0n) return [fromNs, fromNs]
  const first = ceilTo(fromNs, stepNs)
  const last = floorTo(toNs, stepNs)
  return first < last ? [first, last] : [fromNs, fromNs]
}

/** Figures of both steps with the conditions of a question. */
export function rolledUp(
  table: 'counts' | 'latency',
  columns: string,
  query: FigureQuery,
  pieces: Pieces,
): string {
  const conditions = scopeConditions(query.scope)
  if (query.scope.kinds) conditions.push(isOneOf('kind', query.scope.kinds))
  const select = (step: 'minute' | 'hour', where: string) =>
    `SELECT ${columns} FROM ${FIGURES}.${step}_${table} WHERE ${allOf([where, ...conditions])}`
  return `${select('minute', pieces.minutes)}\n UNION ALL ${select('hour', pieces.hours)}`
}

/** Counts of raw rows in the shape of the figures; loss is derived from whole series, not here. */
export function rawCounts(rows: string): string {
  return `SELECT time_ns, ${KEY_VALUES}, (bytes > 0)::BIGINT AS messages, 1::BIGINT AS readings,
    bytes::BIGINT AS bytes, (${IS_LATE})::BIGINT AS late, 0::BIGINT AS received, 0::BIGINT AS lost,
    0::BIGINT AS restarts FROM ${rows} WHERE ${COUNTS_FOR_VOLUME}`
}

export function rawRows(view: View, query: FigureQuery, pieces: Pieces | null): string {
  return rawSource(view, {
    kinds: kindsIn(query.scope),
    span: query,
    columns: [...LATENCY_COLUMNS, 'bytes'],
    where: [...scopeConditions(query.scope), ...(pieces ? [pieces.raw] : [])],
    ...(pieces ? { needs: pieces.needsRaw } : {}),
  })
}

/** Counts of a span: raw and rolled up, to be summed. */
export function countSource(view: View, query: FigureQuery): string {
  const pieces = piecesOf(view, query)
  const columns = ['time_ns', ...KEYS, ...COUNTS].join(', ')
  return `(${rawCounts(rawRows(view, query, pieces))}
    UNION ALL ${rolledUp('counts', columns, query, pieces)})`
}

/** Bucket rows of a span: raw values as buckets of one, and those rolled up. */
export function bucketSource(
  view: View,
  query: FigureQuery & { readonly stages: readonly Stage[] },
  bucketSql: (column: string) => string,
): string {
  const pieces = piecesOf(view, query)
  const columns = ['time_ns', ...KEYS, 'stage', 'bucket', 'n', 'negative', 'max_ms', 'bound_ms']
  const raw = latencyValues(rawRows(view, query, pieces), query.stages)
  const stages = isOneOf('stage', query.stages)
  return `(SELECT * FROM (SELECT time_ns, ${KEYS.join(', ')}, stage, ${bucketSql('ms')} AS bucket,
      1::BIGINT AS n, (ms < 0)::BIGINT AS negative, ms AS max_ms, bound_ms FROM ${raw}
    UNION ALL ${rolledUp('latency', columns.join(', '), query, pieces)}) WHERE ${stages})`
}

const GROUP_VALUES: Readonly<Record<Grouping, string>> = {
  device: 'device',
  kind: 'kind',
  tenant: TENANT,
  rat: 'rat',
  cell: 'cell',
  operator: 'operator',
  band: 'band',
}

/** The grouping columns `g_...` of a question, for SELECT. */
export function groupSelect(by: readonly Grouping[]): string {
  return by.map((name) => `${GROUP_VALUES[name]} AS g_${name}, `).join('')
}

/** Their names, for GROUP BY and ORDER BY behind `interval_ns`. */
export function groupNames(by: readonly Grouping[]): string {
  return ['interval_ns', ...by.map((name) => `g_${name}`)].join(', ')
}

export function groupOf(
  row: Row,
  by: readonly Grouping[],
): Readonly<Partial<Record<Grouping, string | null>>> {
  return Object.fromEntries(by.map((name) => [name, textOrNull(row, `g_${name}`)]))
}
