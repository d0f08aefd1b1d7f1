import { pdv, rtpJitter } from './jitter.ts'
import { percentileOfSorted } from '../percentile.ts'

export interface DelayVariation {
  /** Delays, without the lost messages. */
  readonly n: number
  /** Smallest delay, that PDV counts from; null of nothing. */
  readonly minMs: number | null
  /** IPDV (RFC 3393): mean size of the step between two messages sent one after the other. */
  readonly meanAbsIpdvMs: number | null
  readonly ipdvN: number
  /** PDV (RFC 5481): delay above the smallest. */
  readonly pdvP95Ms: number | null
  readonly pdvP999Ms: number | null
  /** RFC 3550 cl. 6.4.1, of the messages that came. */
  readonly jitterMs: number | null
}

/**
 * How much the delay varies, ms: free of any constant clock offset. Delays in the order of sending,
 * null for a lost message: it has no delay, so neither of its two steps is defined (RFC 3393).
 */
export function delayVariation(delaysMs: readonly (number | null)[]): DelayVariation {
  const received = delaysMs.filter((delay) => delay !== null)
  const above = Float64Array.from(pdv(received)).toSorted()
  const steps = ipdvOf(delaysMs)
  return {
    n: received.length,
    minMs: received.length > 0 ? received.reduce((min, delay) => Math.min(min, delay)) : null,
    meanAbsIpdvMs:
      steps.length > 0 ? steps.reduce((sum, step) => sum + Math.abs(step), 0) / steps.length : null,
    ipdvN: steps.length,
    pdvP95Ms: percentileOfSorted(above, 95),
    pdvP999Ms: percentileOfSorted(above, 99.9),
    jitterMs: rtpJitter(received),
  }
}

function ipdvOf(delaysMs: readonly (number | null)[]): number[] {
  return delaysMs.flatMap((delay, at) => {
    const before = delaysMs[at - 1] ?? null
    return delay === null || before === null ? [] : [delay - before]
  })
}
