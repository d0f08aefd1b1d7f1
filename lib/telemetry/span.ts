/** A half-open span of time. */
export interface Span {
  /** Unix ns; from is included, to is not. */
  readonly fromNs: bigint
  readonly toNs: bigint
}

/** What two spans have in common: an empty span, `fromNs` at or after `toNs`, where that is nothing. */
export function overlap(a: Span, b: Span): Span {
  return {
    fromNs: a.fromNs > b.fromNs ? a.fromNs : b.fromNs,
    toNs: a.toNs < b.toNs ? a.toNs : b.toNs,
  }
}
