import type { ServiceMessage } from './availability.ts'
import { incompleteBeta } from '../beta.ts'

/** One minus the confidence of all bounds here: 95 %. */
const DOUBT = 0.05

export interface ReliabilityFigures {
  readonly n: number
  /** Messages that came late or never. */
  readonly failures: number
  /** Share delivered in time, 0..1; of no failures it is 1, which proves nothing by itself. */
  readonly observed: number | null
  /** The true share is above this with 95 % confidence; 0 of no messages. */
  readonly lower95: number
  readonly method: 'Clopper-Pearson, one-sided, 95 %'
}

/** Reliability, the share of messages in time (TS 22.261), with what n messages prove of it. */
export function reliability(n: number, failures: number): ReliabilityFigures {
  return {
    n,
    failures,
    observed: n > 0 ? (n - failures) / n : null,
    lower95: lowerBound95(n, failures),
    method: 'Clopper-Pearson, one-sided, 95 %',
  }
}

/** The figures of a series: a message fails when it took longer than the limit, or never came. */
export function reliabilityOf(
  messages: readonly ServiceMessage[],
  limitNs: bigint,
): ReliabilityFigures {
  const failures = messages.filter(
    ({ sentNs, receivedNs }) => receivedNs === null || receivedNs - sentNs > limitNs,
  ).length
  return reliability(messages.length, failures)
}

export type ReliabilityVerdict = 'demonstrated' | 'not demonstrated'

/** A report says "not demonstrated" until the bound reaches the target (docs/domain.md 5.2). */
export function reliabilityVerdict(
  { lower95 }: ReliabilityFigures,
  target: number,
): ReliabilityVerdict {
  return lower95 >= target ? 'demonstrated' : 'not demonstrated'
}

/**
 * Messages without a failure that demonstrate a reliability (0..1, both excluded) with 95 %
 * confidence: ln 0.05 / ln p, rounded up (docs/domain.md 5.2): 2 995 for 99.9 %.
 */
export function messagesToDemonstrate(target: number): number {
  if (!(target > 0 && target < 1)) {
    throw new RangeError(`expected a reliability between 0 and 1, got ${target}`)
  }
  return Math.ceil(Math.log(DOUBT) / Math.log(target))
}

/**
 * Lower 95 % bound of the share of messages in time, one-sided after Clopper and Pearson: the
 * share at which as few failures as these would be seen once in twenty.
 */
function lowerBound95(n: number, failures: number): number {
  if (failures >= n) return 0
  if (failures === 0) return DOUBT ** (1 / n)
  let low = 0
  let high = 1
  for (let step = 0; step < 100; step += 1) {
    const middle = (low + high) / 2
    if (incompleteBeta(middle, n - failures, failures + 1) < DOUBT) low = middle
    else high = middle
  }
  return low
}
