/** Wall and monotonic time, passed to everything that needs it, so that tests control it. */
export interface Clock {
  /** Unix time in nanoseconds. */
  nowNs(): bigint
  /** Nanoseconds that never decrease; only differences have a meaning. */
  monoNs(): bigint
}

export const systemClock: Clock = {
  nowNs: () => Temporal.Now.instant().epochNanoseconds,
  monoNs: () => process.hrtime.bigint(),
}

export function nsToMs(ns: bigint): number {
  return Number(ns / 1000n) / 1000
}

/** ISO 8601 UTC with as many digits as needed: milliseconds, or nanoseconds. */
export function isoOf(ns: bigint): string {
  const rest = ns % NS_PER_S
  const belowS = Number(rest < 0n ? rest + NS_PER_S : rest)
  const second = Number((ns - BigInt(belowS)) / NS_PER_S)
  // The times of a result are close together: most share their second with the one before.
  if (second !== lastSecond) {
    lastIso = new Date(second * 1000).toISOString().slice(0, -'000Z'.length)
    lastSecond = second
  }
  if (belowS % 1_000_000 !== 0) return `${lastIso}${String(belowS).padStart(9, '0')}Z`
  return `${lastIso}${String(belowS / 1_000_000).padStart(3, '0')}Z`
}

const NS_PER_S = 1_000_000_000n
let lastSecond = 0
let lastIso = '1970-01-01T00:00:00.'
