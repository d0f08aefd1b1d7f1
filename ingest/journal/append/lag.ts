/** How many bytes of the journal lie beyond what the store has taken. */
export interface Lag {
  readonly bytes: number
  /** A record was appended; positions come in ascending order. */
  add(position: number, bytes: number): void
  /** Everything at or below the position is in the store. */
  release(position: number): void
}

/**
 * Marks are kept `stepBytes` apart instead of one per record: a store that is down for a day leaves
 * millions of records. The answer is too high by one step at most, and exact when nothing waits.
 */
export function createLag(stepBytes: number): Lag {
  const marks: { readonly position: number; readonly totalBytes: number }[] = []
  let totalBytes = 0
  let lastPosition = 0
  let releasedBytes = 0

  return {
    get bytes() {
      return totalBytes - releasedBytes
    },
    add(position, bytes) {
      totalBytes += bytes
      lastPosition = position
      const previous = marks.at(-1)?.totalBytes ?? releasedBytes
      if (totalBytes - previous >= stepBytes) marks.push({ position, totalBytes })
    },
    release(position) {
      if (position >= lastPosition) {
        marks.length = 0
        releasedBytes = totalBytes
        return
      }
      const next = marks.findIndex((mark) => mark.position > position)
      const gone = marks.splice(0, next < 0 ? marks.length : next)
      releasedBytes = gone.at(-1)?.totalBytes ?? releasedBytes
    },
  }
}
