/**
 * How many bytes of the journal are not in the store yet. Marks are kept `stepBytes` apart instead of
 * one per record: a store that is down for a day leaves millions of records. The result is too high by
 * one step at most, and exact when nothing waits.
 */
export class Lag {
  readonly #stepBytes: number
  readonly #marks: { readonly position: number; readonly totalBytes: number }[] = []
  #totalBytes = 0
  #lastPosition = 0
  #releasedBytes = 0

  constructor(stepBytes: number) {
    this.#stepBytes = stepBytes
  }

  get bytes(): number {
    return this.#totalBytes - this.#releasedBytes
  }

  /** A record was appended; positions come in ascending order. */
  add(position: number, bytes: number): void {
    this.#totalBytes += bytes
    this.#lastPosition = position
    const previous = this.#marks.at(-1)?.totalBytes ?? this.#releasedBytes
    if (this.#totalBytes - previous < this.#stepBytes) return
    this.#marks.push({ position, totalBytes: this.#totalBytes })
  }

  /** Everything at or below the position is in the store. */
  release(position: number): void {
    if (position >= this.#lastPosition) {
      this.#marks.length = 0
      this.#releasedBytes = this.#totalBytes
      return
    }
    const next = this.#marks.findIndex((mark) => mark.position > position)
    const gone = this.#marks.splice(0, next < 0 ? this.#marks.length : next)
    this.#releasedBytes = gone.at(-1)?.totalBytes ?? this.#releasedBytes
  }
}
