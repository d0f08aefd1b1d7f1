import type { FigureScan } from '../../scans.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { inScope } from '#lib/telemetry/scope.ts'
import { HOUR_NS, MINUTE_NS, ceilTo, floorTo } from '#lib/telemetry/time-grid.ts'
import { COUNTS, KEYS, type Keys } from '../../figure-keys.ts'
import { noCounts, type Counts, type StageSum } from './figure-sums.ts'
import { STEPS, nodeOf, type Step } from './figure-lines.ts'
import { stageSumIn } from './hours.ts'
import { identifier, isOneOf, kindsIn, scopeConditions } from '../client/influxql.ts'
import { pagesOf } from '../client/pages.ts'
import {
  bigintIn,
  numberIn,
  numberOrNull,
  ownRows,
  textIn,
  textOrNull,
  type Row,
} from '../scans/rows.ts'
import type { ScanContext, View } from '../scans/view.ts'

/*
 * A scan of a span is put together of hours, of minutes, of what is not in InfluxDB yet, and
 * of raw readings for the ends of the span. Every reading counts in exactly one of them.
 */

export interface Pieces {
  readonly raw: readonly Span[]
  readonly minutes: readonly Span[]
  readonly hours: readonly Span[]
  /** Where figures that are not in InfluxDB yet count. */
  readonly fresh: readonly Span[]
}

type Shape = Pick<FigureScan, 'fromNs' | 'toNs' | 'everyNs'>

export function piecesOf(view: View, { fromNs, toNs, everyNs }: Shape): Pieces {
  const { minuteFloorNs: floorNs } = view
  // Before the floor only hours are left: an hour counts where it begins.
  const sinceNs = fromNs > floorNs ? fromNs : floorNs
  const old = floorNs > fromNs ? [{ fromNs, toNs: floorNs < toNs ? floorNs : toNs }] : []
  const minutes = wholeSteps({ fromNs: sinceNs, toNs }, everyNs, MINUTE_NS)
  const hours = wholeSteps(minutes, everyNs, HOUR_NS)
  const clean = cleanHours(view, hours)
  return {
    raw: without({ fromNs: sinceNs, toNs }, [minutes]),
    minutes: without(minutes, clean),
    hours: [...old, ...clean],
    fresh: [...old, minutes].filter(isSpan),
  }
}

/** The whole steps within a span; none where intervals are finer. */
function wholeSteps(span: Span, everyNs: bigint | null, stepNs: bigint): Span {
  const none = { fromNs: span.fromNs, toNs: span.fromNs }
  if (everyNs !== null && everyNs % stepNs !== 0n) return none
  const fromNs = ceilTo(span.fromNs, stepNs)
  const toNs = floorTo(span.toNs, stepNs)
  return fromNs < toNs ? { fromNs, toNs } : none
}

function cleanHours({ dirtyHours }: View, hours: Span): Span[] {
  const dirty = [...dirtyHours]
    .toSorted((a, b) => a - b)
    .map((hour) => ({ fromNs: BigInt(hour) * HOUR_NS, toNs: BigInt(hour + 1) * HOUR_NS }))
  return without(hours, dirty)
}

/** What is left of a span without others, which come in order. */
function without(span: Span, others: readonly Span[]): Span[] {
  const left: Span[] = []
  let { fromNs } = span
  for (const other of others) {
    if (!isSpan(other) || other.toNs <= fromNs || other.fromNs >= span.toNs) continue
    if (other.fromNs > fromNs) left.push({ fromNs, toNs: other.fromNs })
    fromNs = other.toNs
  }
  if (fromNs < span.toNs) left.push({ fromNs, toNs: span.toNs })
  return left
}

const isSpan = ({ fromNs, toNs }: Span) => fromNs < toNs

interface At {
  /** Start of the minute or hour. */
  readonly timeNs: bigint
  readonly keys: Keys
}
export type CountFigure = At & { readonly counts: Counts }
export type StageFigure = At & { readonly stage: string; readonly sum: StageSum }

/** Figures that are not in InfluxDB yet; taken at once, before anything else is waited for. */
export function* freshFigures({ view }: ScanContext, query: FigureScan, spans: readonly Span[]) {
  const { scope } = query
  for (const { figures } of view.fresh) {
    for (const { minute, keys, counts, stages } of figures.values()) {
      const timeNs = BigInt(minute) * MINUTE_NS
      const [device, kind] = keys
      if (!device || !inScope(scope, device)) continue
      if (scope.kinds && !scope.kinds.some((one) => one === kind)) continue
      if (!spans.some(({ fromNs, toNs }) => timeNs >= fromNs && timeNs < toNs)) continue
      yield { timeNs, keys, counts, stages }
    }
  }
}

const KEY_COLUMNS = [
  ...['device', 'kind', 'node'].map((name) => `${identifier(name)}::tag`),
  ...['rat', 'cell', 'operator', 'band', 'upto'].map((name) => `${identifier(name)}::field`),
]

export async function* countFigures(context: ScanContext, query: FigureScan, pieces: Pieces) {
  const columns = [...KEY_COLUMNS, ...COUNTS.map((name) => `${identifier(name)}::field`)].join(', ')
  const decode = (row: Row, at: At): CountFigure => ({ ...at, counts: countsIn(row) })
  yield* storedFigures(context, query, { pieces, columns, of: 'counts', decode })
}

export async function* stageFigures(
  context: ScanContext,
  query: FigureScan & { readonly stages: readonly string[] },
  pieces: Pieces,
) {
  const sums = ['n', 'negative', 'maxMs', 'boundMs', 'late', 'buckets']
  const columns = [
    ...KEY_COLUMNS,
    '"stage"::tag',
    ...sums.map((name) => `${identifier(name)}::field`),
  ].join(', ')
  const where = isOneOf('stage', query.stages)
  if (where === null) return
  const decode = (row: Row, at: At): StageFigure => {
    return { ...at, stage: textIn(row, 'stage'), sum: stageSumIn(row) }
  }
  yield* storedFigures(context, query, { pieces, columns, of: 'latency', where: [where], decode })
}

interface What<T> {
  readonly pieces: Pieces
  readonly columns: string
  readonly of: 'counts' | 'latency'
  readonly where?: readonly string[]
  readonly decode: (row: Row, at: At) => T
}

async function* storedFigures<T>(
  { influx, view, signal }: ScanContext,
  { scope }: FigureScan,
  { pieces, columns, of, where = [], decode }: What<T>,
) {
  const conditions = scopeConditions(scope)
  if (!conditions) return
  const kinds = scope.kinds === null ? [] : [isOneOf('kind', kindsIn(scope))]
  if (kinds.includes(null)) return
  const all = [...conditions, ...kinds.filter((one) => one !== null), ...where]
  const parts = [
    ...pieces.hours.map((span) => ({ span, step: 'hour' as const })),
    ...pieces.minutes.map((span) => ({ span, step: 'minute' as const })),
  ]
  for (const { span, step } of parts) {
    const selection = { measurement: STEPS[step][of], columns, span, where: all }
    for await (const rows of pagesOf(influx, selection, signal)) {
      const { measurement } = selection
      yield* ownRows(influx, { measurement, rows }, (row) =>
        isVisible(row, view) ? [decode(row, placeIn(row, step))] : [],
      ).flat()
    }
  }
}

/** Of a flush under way some figures are in InfluxDB already: they count once all are. */
function isVisible(row: Row, { journal, rolled }: View): boolean {
  if (textIn(row, 'node') !== nodeOf(journal)) return true
  return numberIn(row, 'upto') <= rolled
}

function placeIn(row: Row, step: Step): At {
  return {
    timeNs: floorTo(bigintIn(row, 'time'), STEPS[step].ns),
    keys: KEYS.map((name) => textOrNull(row, name)),
  }
}

function countsIn(row: Row): Counts {
  const counts = noCounts()
  for (const name of COUNTS) counts[name] = numberOrNull(row, name) ?? 0
  return counts
}
