/** A half-open span of time. */
export interface Span {
  /** Unix ns; from is included, to is not. */
  readonly fromNs: bigint
  readonly toNs: bigint
}
