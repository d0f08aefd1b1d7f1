/** Part of a long result; `next` is the cursor of the following part, null at the end. */
export interface Page<T> {
  readonly data: readonly T[]
  readonly next: string | null
}
