/** Settings of retention are in days, and need not be whole. */
export function daysNs(days: number): bigint {
  return BigInt(Math.round(days * 86_400)) * 1_000_000_000n
}
