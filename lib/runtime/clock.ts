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
  return Temporal.Instant.fromEpochNanoseconds(ns).toString({
    fractionalSecondDigits: ns % 1_000_000n === 0n ? 3 : 9,
  })
}
