import type { Span } from '#lib/telemetry/span.ts'

interface Intervals extends Span {
  readonly everyNs: bigint | null
}

/** Share of the intervals that hold data; null where there is nothing to compare with. */
export function coverageOfIntervals(
  filled: number,
  series: number,
  query: Intervals,
): number | null {
  if (query.everyNs === null || series === 0) return null
  return Math.min(1, filled / (series * intervalsOf(query, query.everyNs)))
}

/** How many intervals of a grid that starts at the Unix epoch a span touches. */
export function intervalsOf({ fromNs, toNs }: Span, everyNs: bigint): number {
  return Number(floorDiv(toNs - 1n, everyNs) - floorDiv(fromNs, everyNs)) + 1
}

function floorDiv(a: bigint, b: bigint): bigint {
  return a >= 0n ? a / b : (a - b + 1n) / b
}
