import { numberText } from '../../wording.ts'

/** A unit somebody may have sent instead of ours, and how many of ours one of it is. */
export interface Candidate {
  readonly unit: string
  readonly factor: number
}

/** How far measured and expected may be apart and still be the same thing. */
const TOLERANCE = 0.15

/** The unit by which a value that is too small (factor above 1) or too large becomes right. */
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

/** `0.126 where 35.1 is expected: 279 times as much`. */
export function ratioText(seen: number, expected: number): string {
  return `${numberText(seen)} where about ${numberText(expected)} is expected`
}
