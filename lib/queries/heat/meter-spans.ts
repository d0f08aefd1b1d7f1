import type { HeatIntervals } from '#lib/kpi/heat/heat-intervals.ts'
import {
  emptyHeatPiece,
  heatPieces,
  mergeHeat,
  type HeatPiece,
} from '#lib/kpi/heat/recovered-heat.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import { overlap, type Span } from '#lib/telemetry/span.ts'
import { HOUR_NS, ceilTo, floorTo } from '#lib/telemetry/time-grid.ts'
import type { HeatHours, KnownHours } from './hours.ts'

/*
 * The span of a query is cut into spans that follow each other: those whose registers are scanned,
 * and between them the hours that are known. Energy and time of a bucket are the sums over its parts
 * in each of them (lib/kpi/heat/recovered-heat.ts), so it does not matter where a span is cut.
 */

export interface Parts {
  readonly scanned: readonly Span[]
  readonly known: Span | null
}

/** One meter over one span: the pieces of the spans within it. */
export interface MeterSpan extends Span {
  readonly notable: HeatIntervals
  piecesOf(spans: readonly Span[]): readonly HeatPiece[]
}

/** Fewer known hours are not worth a second scan. */
const MIN_HOURS = 24n

/** Where all meters are known for whole hours in a row, these are left out of the scan. */
export function partsOf(
  hours: HeatHours | undefined,
  meters: readonly { readonly device: { readonly id: FullId }; readonly rules: string }[],
  span: Span,
): Parts {
  const whole = { scanned: [span], known: null }
  if (!hours || meters.length === 0) return whole
  const fromNs = ceilTo(span.fromNs, HOUR_NS)
  let toNs = floorTo(span.toNs, HOUR_NS)
  for (const { device, rules } of meters) {
    const known = hours.of(device.id, rules)
    if (!known || known.fromNs > fromNs) return whole
    if (known.toNs < toNs) ({ toNs } = known)
  }
  if (toNs - fromNs < MIN_HOURS * HOUR_NS) return whole
  for (const { device, rules } of meters) {
    const known = hours.of(device.id, rules)
    if (!known || !isCalm(known, fromNs) || !isCalm(known, toNs)) return whole
  }
  const edges = [
    { fromNs: span.fromNs, toNs: fromNs },
    { fromNs: toNs, toNs: span.toNs },
  ]
  return { scanned: edges.filter((edge) => edge.fromNs < edge.toNs), known: { fromNs, toNs } }
}

/** How far around a cut nothing may have happened. */
const CALM_NS = 24n * HOUR_NS

/**
 * Whether a span may be cut there: how a reading near the cut is judged must not depend on how far
 * back the scan begins. So both sides are measured, and nothing notable is near.
 */
function isCalm({ fromNs, pieces, notable }: KnownHours, cutNs: bigint): boolean {
  const at = Number((cutNs - fromNs) / HOUR_NS)
  const beside = [pieces[at - 1], pieces[at]].filter((piece) => piece !== undefined)
  return (
    beside.every(({ measuredNs }) => measuredNs === HOUR_NS) &&
    !notable.intervals.some((one) => isNear(one.fromNs, one.toNs, cutNs)) &&
    !notable.findings.some(({ timeNs }) => isNear(timeNs, timeNs, cutNs))
  )
}

function isNear(fromNs: bigint, toNs: bigint, cutNs: bigint): boolean {
  return toNs >= cutNs - CALM_NS && fromNs <= cutNs + CALM_NS
}

/** A span whose registers were scanned. */
export function scannedSpan(intervals: HeatIntervals, span: Span): MeterSpan {
  return { ...span, notable: intervals, piecesOf: (spans) => heatPieces(intervals, spans) }
}

/** A span of whole hours that are known. */
export function knownSpan(known: KnownHours, span: Span): MeterSpan {
  return {
    ...span,
    notable: known.notable,
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
export function piecesOf(meterSpans: readonly MeterSpan[], buckets: readonly Span[]): HeatPiece[] {
  const pieces = buckets.map((): HeatPiece | null => null)
  for (const meterSpan of meterSpans) {
    const within = buckets.flatMap((bucket, at) => {
      const { fromNs, toNs } = overlap(bucket, meterSpan)
      if (fromNs >= toNs) return []
      const isWhole = fromNs === bucket.fromNs && toNs === bucket.toNs
      return [{ at, span: isWhole ? bucket : { fromNs, toNs } }]
    })
    const found = meterSpan.piecesOf(within.map(({ span }) => span))
    for (const [n, { at }] of within.entries()) {
      const piece = found[n] ?? emptyHeatPiece()
      const before = pieces[at]
      pieces[at] = before ? mergeHeat(before, piece) : piece
    }
  }
  return pieces.map((piece) => piece ?? emptyHeatPiece())
}
