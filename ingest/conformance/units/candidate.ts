import { numberText } from '../text.ts'

/** A unit that may have been sent instead of ours, and its size in ours. */
export interface Candidate {
  readonly unit: string
  readonly factor: number
}

/** Measured and expected values this close count as equal. */
const TOLERANCE = 0.15

/** The unit that explains a value that is too small (factor above 1) or too large. */
export function candidateFor(
  factor: number,
  candidates: readonly Candidate[],
  tolerance = TOLERANCE,
): Candidate | null {
  const error = (one: Candidate) => Math.abs(Math.log(factor / one.factor))
  const best = candidates.toSorted((a, b) => error(a) - error(b))[0]
  return best && error(best) < Math.log(1 + tolerance) ? best : null
}

/** The middle one of some values; null of none. */
export function medianOf(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? null
}

/** `0.126 where about 35.1 is expected`. */
export function ratioText(seen: number, expected: number): string {
  return `${numberText(seen)} where about ${numberText(expected)} is expected`
}
