import { MINUTE_NS } from '#lib/telemetry/time-grid.ts'
import { percentileOfSorted } from '../percentile.ts'
import { spanMs } from './latency.ts'

/** Times between consecutive arrivals. */
export interface Interarrival {
  /** Messages; one more than there are gaps. */
  readonly n: number
  readonly meanMs: number | null
  readonly medianMs: number | null
  readonly highMs: number | null
  readonly maxMs: number | null
  /** Whole minutes of the clock between the first and the last message in which none arrived. */
  readonly silentMinutes: number
  /** Arrival after which the longest gap began, Unix ns; null without a gap. */
  readonly longestFromNs: bigint | null
}

/** `highMs` is this percentile (type 7). */
const HIGH = 95

/** The distribution of the time between two messages, from their arrivals in any order, Unix ns. */
export function interarrival(arrivalsNs: readonly bigint[]): Interarrival {
  const sorted = BigInt64Array.from(arrivalsNs).toSorted()
  const gaps = Float64Array.from(sorted.subarray(1), (atNs, before) =>
    spanMs(atNs - (sorted[before] ?? atNs)),
  )
  const inOrder = gaps.toSorted()
  const maxMs = inOrder.at(-1) ?? null
  const longest = maxMs === null ? -1 : gaps.indexOf(maxMs)
  return {
    n: sorted.length,
    meanMs: gaps.length === 0 ? null : gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length,
    medianMs: percentileOfSorted(inOrder, 50),
    highMs: percentileOfSorted(inOrder, HIGH),
    maxMs,
    silentMinutes: silentMinutesOf(sorted),
    longestFromNs: sorted[longest] ?? null,
  }
}

function silentMinutesOf(sorted: BigInt64Array): number {
  const minutes = Array.from(sorted, (atNs) => Number(atNs / MINUTE_NS))
  return minutes.reduce((silent, minute, at) => {
    const before = minutes[at - 1] ?? minute
    return silent + Math.max(0, minute - before - 1)
  }, 0)
}
