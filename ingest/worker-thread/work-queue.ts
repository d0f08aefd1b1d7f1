/** One thing at a time: batches, snapshots and maintenance of the worker follow each other in it. */
export class WorkQueue {
  readonly #onFailure: (error: unknown) => void
  #last: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** A step that fails is reported and ends the work: what comes after it does not run. */
  add(step: () => Promise<void>): void {
    this.#last = this.#last.then(async () => {
      if (!this.#isClosed) await step()
    })
    this.#last.catch((error: unknown) => this.#onFailure(error))
  }

  /** Resolves when all that was added before is done; nothing runs afterwards. */
  async close(): Promise<void> {
    await this.#last.catch(() => undefined)
    this.#isClosed = true
  }
}
