/** The grid of the roll-ups: Unix time in whole minutes and hours. */
export const MINUTE_NS = 60_000_000_000n
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

/** The start of the interval of a time, as SQL; NULL where no intervals are asked for. */
export function intervalSql(everyNs: bigint | null): string {
  return everyNs === null ? 'NULL::BIGINT' : `time_ns - time_ns % ${everyNs}`
}
