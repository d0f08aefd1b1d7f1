/** Percentile `p` (0..100) of type 7, linear between order statistics; null of nothing. */
export function percentile(values: readonly number[], p: number): number | null {
  return percentileOfSorted(Float64Array.from(values).toSorted(), p)
}

/** The same of values that are sorted already, for several percentiles of one series. */
export function percentileOfSorted(sorted: ArrayLike<number>, p: number): number | null {
  if (sorted.length === 0) return null
  const { below, above, weight } = rankOf(sorted.length, p)
  // Both ranks lie within the series.
  return between(sorted[below]!, sorted[above]!, weight)
}

/** Where percentile `p` of `n` values lies: between which order statistics (from 0), how far. */
export function rankOf(n: number, p: number): { below: number; above: number; weight: number } {
  const rank = ((n - 1) * Math.min(100, Math.max(0, p))) / 100
  const below = Math.floor(rank)
  return { below, above: Math.min(below + 1, n - 1), weight: rank - below }
}

/** Linear interpolation that is exact where both ends are equal. */
export function between(low: number, high: number, weight: number): number {
  return low + (high - low) * weight
}
