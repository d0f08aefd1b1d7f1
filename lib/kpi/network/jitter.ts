/** Differences of consecutive delays (IPDV, RFC 3393): free of any clock offset. */
export function ipdv(delaysMs: readonly number[]): number[] {
  return delaysMs.slice(1).map((delay, at) => delay - (delaysMs[at] ?? delay))
}

/** Each delay above the smallest of the series (PDV, RFC 5481): free of any clock offset. */
export function pdv(delaysMs: readonly number[]): number[] {
  const minMs = delaysMs.reduce((min, delay) => Math.min(min, delay), Infinity)
  return delaysMs.map((delay) => delay - minMs)
}

/** Interarrival jitter in ms, in order of sending (RFC 3550 cl. 6.4.1); null below two delays. */
export function rtpJitter(delaysMs: readonly number[]): number | null {
  if (delaysMs.length < 2) return null
  return ipdv(delaysMs).reduce((jitter, step) => jitter + (Math.abs(step) - jitter) / 16, 0)
}
