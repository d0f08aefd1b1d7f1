/** Wall and monotonic time, handed in everywhere so that tests can turn it. */
export interface Clock {
  /** Unix time in nanoseconds. */
  nowNs(): bigint
  /** Nanoseconds that never go back; only differences mean something. */
  monoNs(): bigint
}

export const systemClock: Clock = {
  nowNs: () => Temporal.Now.instant().epochNanoseconds,
  monoNs: () => process.hrtime.bigint(),
}

export function nsToMs(ns: bigint): number {
  return Number(ns / 1000n) / 1000
}

/** ISO 8601 UTC with as many digits as needed: ms, or up to ns. */
export function isoOf(ns: bigint): string {
  // A Date writes ten times as fast as Temporal, and an answer has thousands of times.
  const belowMs = ((ns % NS_PER_MS) + NS_PER_MS) % NS_PER_MS
  const iso = new Date(Number((ns - belowMs) / NS_PER_MS)).toISOString()
  return belowMs === 0n ? iso : `${iso.slice(0, -1)}${String(belowMs).padStart(6, '0')}Z`
}

const NS_PER_MS = 1_000_000n
