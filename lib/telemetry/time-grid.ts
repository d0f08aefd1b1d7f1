/** Unix time in whole steps, in ns. */
export const SECOND_NS = 1_000_000_000n
export const MINUTE_NS = 60n * SECOND_NS
export const HOUR_NS = 60n * MINUTE_NS
export const DAY_NS = 24n * HOUR_NS

export function floorTo(timeNs: bigint, stepNs: bigint): bigint {
  const over = timeNs % stepNs
  return timeNs - (over < 0n ? over + stepNs : over)
}

export function ceilTo(timeNs: bigint, stepNs: bigint): bigint {
  return -floorTo(-timeNs, stepNs)
}

export function daysNs(days: number): bigint {
  return BigInt(Math.round(days * 86_400)) * 1_000_000_000n
}

/** Whether so much time has passed; also when the clock was set back, or it would never come. */
export function hasPassed(everyNs: bigint, sinceNs: bigint, nowNs: bigint): boolean {
  return nowNs < sinceNs || nowNs - sinceNs >= everyNs
}

/** Intervals of one length, of which one begins at the origin. */
export interface Grid {
  readonly everyNs: bigint
  readonly originNs: bigint
}

/** Where the interval of a time begins. */
export function startOf(timeNs: bigint, { everyNs, originNs }: Grid): bigint {
  return floorTo(timeNs - originNs, everyNs) + originNs
}
