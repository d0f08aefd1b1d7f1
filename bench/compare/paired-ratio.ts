import { meanInterval } from '#lib/kpi/interval.ts'

export interface PairedRatio {
  readonly n: number
  /** Geometric mean of the ratios. */
  readonly ratio: number
  /** 95 % confidence interval of the true ratio; null below two pairs. */
  readonly lower95: number | null
  readonly upper95: number | null
}

/**
 * The ratio a / b of paired runs with its 95 % interval: Student's t with n - 1 degrees of freedom on
 * the logarithms of the ratios. What both runs of a pair share (the machine, the hour) cancels, and
 * the logarithm makes a / b and b / a say the same.
 */
export function pairedRatio(
  pairs: readonly { readonly a: number; readonly b: number }[],
): PairedRatio {
  const logs = meanInterval(pairs.map(({ a, b }) => Math.log(a / b)))
  if (logs === null) throw new RangeError('expected at least one pair')
  const { n, mean, halfWidth95 } = logs
  return {
    n,
    ratio: Math.exp(mean),
    lower95: halfWidth95 === null ? null : Math.exp(mean - halfWidth95),
    upper95: halfWidth95 === null ? null : Math.exp(mean + halfWidth95),
  }
}

export type Verdict = 'passes' | 'fails' | 'undecided'

/** Passes if the whole interval lies below the limit, fails if it lies above. */
export function verdictOf({ lower95, upper95 }: PairedRatio, limit: number): Verdict {
  if (upper95 !== null && upper95 < limit) return 'passes'
  if (lower95 !== null && lower95 > limit) return 'fails'
  return 'undecided'
}
