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
  const rest = ns % NS_PER_S
  const belowS = Number(rest < 0n ? rest + NS_PER_S : rest)
  const second = Number((ns - BigInt(belowS)) / NS_PER_S)
  // Times of an answer lie close together: most of them share their second with the one before.
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
