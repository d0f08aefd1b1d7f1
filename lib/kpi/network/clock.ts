import type { ClockSample } from '#lib/telemetry/intake.ts'

/** Device clock minus platform clock by one exchange; the truth is within half the delay of it. */
export interface ClockOffset {
  readonly offsetNs: bigint
  readonly delayNs: bigint
}

/**
 * One exchange of four timestamps (RFC 5905 cl. 8): t1 and t4 by the device clock, t2 and t3 by
 * ours. Null when the delay comes out negative: a clock was set during the exchange.
 *
 * RFC 5905 calls theta = ((t2 - t1) + (t3 - t4)) / 2 the offset of the *server*. We state how far
 * the *device* is ahead, so the sign is the opposite: a device clock 46 s ahead gives +46 s.
 */
export function clockOffset({ t1, t2, t3, t4 }: ClockSample): ClockOffset | null {
  const delayNs = t4 - t1 - (t3 - t2)
  if (delayNs < 0n) return null
  return { offsetNs: -thetaNs({ t1, t2, t3, t4 }), delayNs }
}

/** RFC 5905 theta: platform clock minus device clock. */
export function thetaNs({ t1, t2, t3, t4 }: ClockSample): bigint {
  return (t2 - t1 + (t3 - t4)) / 2n
}

/** One kept exchange, in decimal digits of ns, so that the filter is plain JSON. */
interface KeptSample {
  readonly offset: string
  readonly delay: string
  /** By the platform clock. */
  readonly at: string
}

/** The last exchanges of one device, oldest first: plain JSON, saved as it is. */
export interface ClockFilter {
  readonly samples: readonly KeptSample[]
}

/** Exchanges kept; the one with the smallest delay of them counts (RFC 5905 cl. 10). */
export const CLOCK_FILTER_SIZE = 8

/** Drift of an ordinary crystal, ppm: how much the bound grows with age (docs/domain.md 5.4). */
const CLOCK_DRIFT_PPM = 15n

export function createClockFilter(): ClockFilter {
  return { samples: [] }
}

/** The filter with one more exchange; unchanged when the exchange is not possible. */
export function addSample(filter: ClockFilter, sample: ClockSample): ClockFilter {
  const measured = clockOffset(sample)
  if (!measured) return filter
  const kept: KeptSample = {
    offset: measured.offsetNs.toString(),
    delay: measured.delayNs.toString(),
    at: sample.t3.toString(),
  }
  return { samples: [...filter.samples, kept].slice(-CLOCK_FILTER_SIZE) }
}

export interface ClockEstimate {
  /** Device clock minus platform clock; true within +/- `boundNs`. */
  readonly offsetNs: bigint
  readonly boundNs: bigint
  readonly measuredAtNs: bigint
}

/** What the filter knows of the device clock at a moment of the platform clock; null: nothing. */
export function offsetAt(filter: ClockFilter, nowNs: bigint): ClockEstimate | null {
  const best = smallestDelay(filter.samples)
  if (!best) return null
  const measuredAtNs = BigInt(best.at)
  const ageNs = nowNs > measuredAtNs ? nowNs - measuredAtNs : measuredAtNs - nowNs
  return {
    offsetNs: BigInt(best.offset),
    // Rounded up, twice: a bound must hold.
    boundNs: (BigInt(best.delay) + 1n) / 2n + (ageNs * CLOCK_DRIFT_PPM + 999_999n) / 1_000_000n,
    measuredAtNs,
  }
}

/** Of equal delays the newest. */
function smallestDelay(samples: readonly KeptSample[]): KeptSample | null {
  let best: KeptSample | null = null
  for (const sample of samples) {
    if (!best || compareDigits(sample.delay, best.delay) <= 0) best = sample
  }
  return best
}

/** Order of two numbers without sign, written in decimal digits. */
function compareDigits(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length
  if (a === b) return 0
  return a < b ? -1 : 1
}

export type SyncClass = 'A' | 'B' | 'C' | 'D'

/**
 * How well a clock is known: A within 1 ms, B 10 ms, C 100 ms, D worse or unknown
 * (docs/domain.md 5.4).
 */
export function syncClass(boundNs: bigint | null): SyncClass {
  if (boundNs === null || boundNs > 100_000_000n) return 'D'
  if (boundNs > 10_000_000n) return 'C'
  return boundNs > 1_000_000n ? 'B' : 'A'
}

/**
 * A one-way figure may be shown only where the clock bound is below a fifth of it
 * (docs/domain.md 5.4).
 */
export function isOneWayShown(latencyMs: number, boundMs: number): boolean {
  return boundMs < 0.2 * latencyMs
}
