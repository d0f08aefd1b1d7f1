/** What the choice needs of a row of `/kpi/latency?by=rat`. */
interface LatencyRow {
  readonly stage: string
  readonly n: number
  readonly p95Ms: number | null
  readonly group: Readonly<Record<string, string | null>>
}

/** Fewer values say little of a 95th percentile: the five largest of a hundred lie above it. */
export const MIN_VALUES = 100

/**
 * The radio technology with the largest 95th percentile of round trips, of those with at least
 * `MIN_VALUES`; undefined where there is none.
 */
export function worstRoundTrip<T extends LatencyRow>(rows: readonly T[]): T | undefined {
  return rows
    .filter(({ stage, n, group }) => stage === 'rtt' && n >= MIN_VALUES && group['rat'])
    .toSorted((a, b) => (b.p95Ms ?? 0) - (a.p95Ms ?? 0))[0]
}
