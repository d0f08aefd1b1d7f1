/** A logarithmic scale of positive values. */
export interface LogScale {
  readonly low: number
  readonly high: number
}

/** Where a value lies on the scale: 0 at its low end, 1 at its high end and beyond. */
export function logShare({ low, high }: LogScale, value: number): number {
  const span = Math.log(high / low)
  const share = Math.log(Math.max(value, low) / low) / span
  return Math.min(1, Math.max(0, share))
}

/** Whole decades around the values. */
export function decadesAround(values: readonly number[]): LogScale {
  const positive = values.filter((value) => value > 0)
  if (positive.length === 0) return { low: 1, high: 1000 }
  const low = 10 ** Math.floor(Math.log10(Math.min(...positive)))
  const high = 10 ** Math.ceil(Math.log10(Math.max(...positive)))
  return { low, high: high > low ? high : low * 10 }
}
