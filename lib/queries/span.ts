import type { Span } from '#lib/telemetry/span.ts'

interface Intervals extends Span {
  readonly everyNs: bigint | null
  readonly buckets?: readonly unknown[] | null | undefined
}

/** Share of the intervals that hold data; null where there is nothing to compare with. */
export function coverageOfIntervals(
  filled: number,
  series: number,
  query: Intervals,
): number | null {
  const intervals =
    query.everyNs === null ? query.buckets?.length : intervalsOf(query, query.everyNs)
  if (intervals === undefined || series === 0) return null
  return Math.min(1, filled / (series * intervals))
}

/** How many intervals of a grid that starts at the Unix epoch a span touches. */
export function intervalsOf({ fromNs, toNs }: Span, everyNs: bigint): number {
  return Number(floorDiv(toNs - 1n, everyNs) - floorDiv(fromNs, everyNs)) + 1
}

function floorDiv(a: bigint, b: bigint): bigint {
  return a >= 0n ? a / b : (a - b + 1n) / b
}
