import type { FigureScan } from '../../scans.ts'
import type { Grouping } from '#lib/telemetry/grouping.ts'
import type { Stage } from '#lib/telemetry/stage.ts'
import { COUNTS } from '../../figure-keys.ts'
import { TENANT_OF, grainOf, keysOf, tableOf, type Grain, type Step } from './grain.ts'
import {
  COUNTS_FOR_VOLUME,
  IS_LATE,
  LATENCY_COLUMNS,
  keyValues,
  latencyValues,
} from './latency-values.ts'
import type { Extent } from '../../extent.ts'
import type { Part } from '../files/part.ts'
import { allOf, isOneOf, textOrNull, type Row } from '../files/sql.ts'
import { HOUR_NS, MINUTE_NS, ceilTo, floorTo } from '#lib/telemetry/time-grid.ts'
import {
  kindsIn,
  rawSource,
  rawSourceIfAny,
  scopeConditions,
  type RawSource,
} from '../scans/raw-source.ts'
import type { View } from '../scans/view.ts'

/*
 * A scan of a span has three sources: whole hours from the hour figures, whole
 * minutes from the minute figures, and raw rows for the ends of the span and for what is not rolled
 * up yet. Every row counts in exactly one of them. Minutes of the latency of single devices would be
 * as many rows as there are messages: raw rows are read instead as long as they are kept.
 */

interface Pieces {
  readonly raw: string
  readonly needsRaw: (part: Part, extent: Extent) => boolean
  /** Null where there is nothing to read. */
  readonly minutes: string | null
  readonly hours: string | null
}

type Shape = Pick<FigureScan, 'fromNs' | 'toNs' | 'everyNs'>

export function piecesOf(view: View, shape: Shape): Pieces {
  const { rolled, hoursRolled } = view
  const steps = stepsOf(view, shape, view.minuteFloorNs)
  const { minuteFrom, minuteTo, inMinutes, inHours, onlyHours, hasHours } = steps
  const notInHours = `(upto > ${hoursRolled} OR NOT ${inHours})`
  return {
    raw: `position > ${rolled} OR NOT (${inMinutes} OR ${onlyHours})`,
    needsRaw: (part, { minNs, maxNs }) =>
      part.position > rolled || minNs < minuteFrom || maxNs >= minuteTo,
    minutes:
      minuteFrom === minuteTo ? null : `upto <= ${rolled} AND ${inMinutes} AND ${notInHours}`,
    hours:
      hasHours && hoursRolled > 0
        ? `upto <= ${hoursRolled} AND (${inHours} OR ${onlyHours})`
        : null,
  }
}

/** The pieces of a scan of the latency of single devices; see `roll-up.ts` for what is there. */
function deviceLatencyPieces(view: View, shape: Shape): Pieces {
  const { latencyRolled, parts } = view
  const steps = stepsOf(view, shape, view.deviceFloorNs)
  const { minuteFrom, minuteTo, hourFrom, hourTo, inMinutes, hasHours } = steps
  const inHours = `(${steps.inHours} OR ${steps.onlyHours})`
  // A file that retention is about to drop still counts with its raw rows.
  const kept = parts.map(({ position }) => position)
  const ofDropped = kept.length === 0 ? 'true' : `upto NOT IN (${kept.join(', ')})`
  return {
    raw: `position > ${latencyRolled} OR NOT ${inHours}`,
    needsRaw: (part, { minNs, maxNs }) =>
      part.position > latencyRolled || minNs < hourFrom || maxNs >= hourTo,
    minutes:
      minuteFrom === minuteTo || view.droppedNs === 0n
        ? null
        : `${ofDropped} AND ${inMinutes} AND NOT ${inHours}`,
    hours: hasHours && latencyRolled > 0 ? `upto <= ${latencyRolled} AND ${inHours}` : null,
  }
}

/** The whole steps of a span, as times and as conditions; before the floor only hours are left. */
function stepsOf(view: View, { fromNs, toNs, everyNs }: Shape, floorNs: bigint) {
  const sinceNs = fromNs > floorNs ? fromNs : floorNs
  // Nothing is newer than the span: its last step holds only rows of it, although it is not whole.
  const endNs = (stepNs: bigint) => (toNs > view.newestNs ? ceilTo(toNs, stepNs) : toNs)
  const [minuteFrom, minuteTo] = wholeSteps(sinceNs, endNs(MINUTE_NS), everyNs, MINUTE_NS)
  const [hourFrom, hourTo] = wholeSteps(sinceNs, endNs(HOUR_NS), everyNs, HOUR_NS)
  const within = (from: bigint, to: bigint) => `(time_ns >= ${from} AND time_ns < ${to})`
  return {
    minuteFrom,
    minuteTo,
    hourFrom,
    hourTo,
    inMinutes: within(minuteFrom, minuteTo),
    inHours: within(hourFrom, hourTo),
    // An hour counts where it begins.
    onlyHours: floorNs > fromNs ? within(fromNs, floorNs < toNs ? floorNs : toNs) : 'false',
    hasHours: hourFrom < hourTo || floorNs > fromNs,
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

/** Figures of both steps with the conditions of a scan: time, the keys of its grain, `columns`. */
export function rolledUp(
  what: 'counts' | 'latency',
  columns: readonly string[],
  query: FigureScan,
  pieces: Pieces,
): readonly string[] {
  const grain = grainOf(query)
  const conditions = scopeConditions(query.scope, grain)
  if (query.scope.kinds) conditions.push(isOneOf('kind', query.scope.kinds))
  const list = ['time_ns', ...keysOf(grain), ...columns].join(', ')
  const select = (step: Step, where: string | null) =>
    where === null
      ? []
      : [`SELECT ${list} FROM ${tableOf(step, grain, what)} WHERE ${allOf([where, ...conditions])}`]
  return [...select('minute', pieces.minutes), ...select('hour', pieces.hours)]
}

/** `raw` makes figures of raw rows; without any source it makes them of none. */
function joined(
  rolled: readonly string[],
  [view, query, pieces]: readonly [View, FigureScan, Pieces],
  raw: (rows: string) => string,
): string {
  const source = rawOf(query, pieces)
  const rows =
    rawSourceIfAny(view, source) ?? (rolled.length === 0 ? rawSource(view, source) : null)
  return [...(rows === null ? [] : [raw(rows)]), ...rolled].join('\n UNION ALL ')
}

/** Counts of raw rows in the shape of the figures; loss is derived from whole series, not here. */
export function rawCounts(rows: string, grain: Grain): string {
  return `SELECT time_ns, ${keyValues(grain)}, (bytes > 0)::BIGINT AS messages, 1::BIGINT AS readings,
    bytes::BIGINT AS bytes, (${IS_LATE})::BIGINT AS late, 0::BIGINT AS received, 0::BIGINT AS lost,
    0::BIGINT AS restarts FROM ${rows} WHERE ${COUNTS_FOR_VOLUME}`
}

/** The raw rows of a scan; those of its pieces, or all. */
export function rawOf(query: FigureScan, pieces: Pieces | null): RawSource {
  return {
    kinds: kindsIn(query.scope),
    span: query,
    columns: [...LATENCY_COLUMNS, 'bytes'],
    where: [...scopeConditions(query.scope), ...(pieces ? [pieces.raw] : [])],
    ...(pieces ? { needs: pieces.needsRaw } : {}),
  }
}

/** Counts of a span: raw and rolled up, to be summed. */
export function countSource(view: View, query: FigureScan): string {
  const pieces = piecesOf(view, query)
  const rolled = rolledUp('counts', COUNTS, query, pieces)
  return `(${joined(rolled, [view, query, pieces], (rows) => rawCounts(rows, grainOf(query)))})`
}

/** Bucket rows of a span: raw values as buckets of one, and those rolled up. */
export function bucketSource(
  view: View,
  query: FigureScan & { readonly stages: readonly Stage[] },
  bucketSql: (column: string) => string,
): string {
  const grain = grainOf(query)
  const pieces = grain === 'device' ? deviceLatencyPieces(view, query) : piecesOf(view, query)
  const columns = ['stage', 'bucket', 'n', 'negative', 'max_ms', 'bound_ms', 'late']
  const rolled = rolledUp('latency', columns, query, pieces)
  const both = joined(
    rolled,
    [view, query, pieces],
    (rows) => `SELECT time_ns, ${keysOf(grain).join(', ')}, stage, ${bucketSql('ms')} AS bucket,
      1::BIGINT AS n, (ms < 0)::BIGINT AS negative, ms AS max_ms, bound_ms,
      is_late::BIGINT AS late
      FROM ${latencyValues(rows, grain, query.stages)}`,
  )
  return `(SELECT * FROM (${both}) WHERE ${isOneOf('stage', query.stages)})`
}

/** The grouping columns `g_...` of a scan, for SELECT. */
export function groupSelect(query: Pick<FigureScan, 'scope' | 'by'>): string {
  const tenant = TENANT_OF[grainOf(query)]
  return query.by.map((name) => `${name === 'tenant' ? tenant : name} AS g_${name}, `).join('')
}

/** Their names, for GROUP BY and ORDER BY, after `interval_ns`. */
export function groupNames(by: readonly Grouping[]): string {
  return ['interval_ns', ...by.map((name) => `g_${name}`)].join(', ')
}

export function groupOf(
  row: Row,
  by: readonly Grouping[],
): Readonly<Partial<Record<Grouping, string | null>>> {
  return Object.fromEntries(by.map((name) => [name, textOrNull(row, `g_${name}`)]))
}

/** The start of the interval of a time, as SQL; NULL where there are no intervals. */
export function intervalSql(everyNs: bigint | null): string {
  return everyNs === null ? 'NULL::BIGINT' : `time_ns - time_ns % ${everyNs}`
}
