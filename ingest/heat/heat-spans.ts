import type { HeatIntervals } from '#lib/kpi/heat/heat-intervals.ts'
import {
  emptyHeatPiece,
  heatPieces,
  mergeHeat,
  type HeatPiece,
} from '#lib/kpi/heat/recovered-heat.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import { overlap, type Span } from '#lib/telemetry/span.ts'
import type { HeatHours, KnownHours } from './heat-hours.ts'
import { HOUR_NS, ceilTo, floorTo } from '#lib/telemetry/time-grid.ts'

/*
 * The span of a question in stretches that lie end to end: those whose registers are read, and
 * between them the hours that are known. Energy and time of a bucket are the sums over its parts in
 * each of them (lib/kpi/heat/recovered-heat.ts), so it does not matter where a span is cut.
 */

export interface Parts {
  readonly read: readonly Span[]
  readonly known: Span | null
}

/** One meter over one stretch: the pieces of spans within it. */
export interface Stretch extends Span {
  readonly told: HeatIntervals
  piecesOf(spans: readonly Span[]): readonly HeatPiece[]
}

/** Fewer known hours are not worth a second question to the store. */
const FEWEST_HOURS = 24n

/** Where all of the meters are known for whole hours in a row, these are left out of what is read. */
export function partsOf(
  hours: HeatHours | undefined,
  meters: readonly { readonly device: { readonly id: FullId }; readonly rules: string }[],
  span: Span,
): Parts {
  const whole = { read: [span], known: null }
  if (!hours || meters.length === 0) return whole
  const fromNs = ceilTo(span.fromNs, HOUR_NS)
  let toNs = floorTo(span.toNs, HOUR_NS)
  for (const { device, rules } of meters) {
    const known = hours.of(device.id, rules)
    if (!known || known.fromNs > fromNs) return whole
    if (known.toNs < toNs) ({ toNs } = known)
  }
  if (toNs - fromNs < FEWEST_HOURS * HOUR_NS) return whole
  for (const { device, rules } of meters) {
    const known = hours.of(device.id, rules)
    if (!known || !isCalm(known, fromNs) || !isCalm(known, toNs)) return whole
  }
  const edges = [
    { fromNs: span.fromNs, toNs: fromNs },
    { fromNs: toNs, toNs: span.toNs },
  ]
  return { read: edges.filter((edge) => edge.fromNs < edge.toNs), known: { fromNs, toNs } }
}

/** How far around a cut nothing may have happened. */
const CALM_NS = 24n * HOUR_NS

/**
 * Whether a span may be cut there: what a reading near the cut is taken for must not depend on how
 * far back it is read. So it is measured on both sides, and nothing to be told is near.
 */
function isCalm({ fromNs, pieces, told }: KnownHours, cutNs: bigint): boolean {
  const at = Number((cutNs - fromNs) / HOUR_NS)
  const beside = [pieces[at - 1], pieces[at]].filter((piece) => piece !== undefined)
  return (
    beside.every(({ measuredNs }) => measuredNs === HOUR_NS) &&
    !told.intervals.some((one) => isNear(one.fromNs, one.toNs, cutNs)) &&
    !told.findings.some(({ timeNs }) => isNear(timeNs, timeNs, cutNs))
  )
}

function isNear(fromNs: bigint, toNs: bigint, cutNs: bigint): boolean {
  return toNs >= cutNs - CALM_NS && fromNs <= cutNs + CALM_NS
}

/** A stretch whose registers were read. */
export function readStretch(intervals: HeatIntervals, span: Span): Stretch {
  return { ...span, told: intervals, piecesOf: (spans) => heatPieces(intervals, spans) }
}

/** A stretch of whole hours that are known. */
export function knownStretch(known: KnownHours, span: Span): Stretch {
  return {
    ...span,
    told: known.told,
    piecesOf: (spans) =>
      spans.map(({ fromNs, toNs }) => {
        const first = Number((fromNs - known.fromNs) / HOUR_NS)
        const only = known.pieces[first]
        if (only && toNs - fromNs === HOUR_NS) return only
        const end = Number((toNs - known.fromNs) / HOUR_NS)
        return mergeHeat(...known.pieces.slice(first, end))
      }),
  }
}

/** The pieces of a meter, one for each bucket; buckets are sorted and end where hours end. */
export function piecesOf(stretches: readonly Stretch[], buckets: readonly Span[]): HeatPiece[] {
  const pieces = buckets.map((): HeatPiece | null => null)
  for (const stretch of stretches) {
    const within = buckets.flatMap((bucket, at) => {
      const { fromNs, toNs } = overlap(bucket, stretch)
      if (fromNs >= toNs) return []
      const isWhole = fromNs === bucket.fromNs && toNs === bucket.toNs
      return [{ at, span: isWhole ? bucket : { fromNs, toNs } }]
    })
    const found = stretch.piecesOf(within.map(({ span }) => span))
    for (const [n, { at }] of within.entries()) {
      const piece = found[n] ?? emptyHeatPiece()
      const before = pieces[at]
      pieces[at] = before ? mergeHeat(before, piece) : piece
    }
  }
  return pieces.map((piece) => piece ?? emptyHeatPiece())
}
