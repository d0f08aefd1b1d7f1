/**
 * Shares the event loop of a thread: long work is done in slices, one slice in each turn, and whoever
 * waits for a slice gets it round robin. So what one tenant makes long delays another one by a single
 * slice.
 */
export class Turns {
  /** Who waits, in the order in which they get their slices. */
  readonly #waiting = new Map<string, (() => void)[]>()
  #isScheduled = false

  /** Resolves when one slice of work may be done for `owner`. */
  next(owner: string): Promise<void> {
    return new Promise((resolve) => {
      const queue = this.#waiting.get(owner)
      if (queue) queue.push(resolve)
      else this.#waiting.set(owner, [resolve])
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#grant())
  }

  #grant(): void {
    this.#isScheduled = false
    const [first] = this.#waiting
    if (!first) return
    const [owner, queue] = first
    this.#waiting.delete(owner)
    const resolve = queue.shift()
    if (queue.length > 0) this.#waiting.set(owner, queue)
    resolve?.()
    if (this.#waiting.size > 0) this.#schedule()
  }
}
