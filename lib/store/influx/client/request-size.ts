import { StoreBusy } from './failure.ts'

/** Lines of one request: a few MB at most, and few enough for a slow server. */
const MAX_LINES = 5000
const MIN_LINES = 100

/**
 * How many lines go into one request. A server that does not answer in time gets half as many, so
 * that a batch gets through in the end; after whole batches they slowly become more again.
 */
export class RequestSize {
  #lines = MAX_LINES

  get lines(): number {
    return this.#lines
  }

  /** Runs the requests of a batch and learns from how they end. */
  async batch<T>(requests: () => Promise<T>): Promise<T> {
    try {
      const result = await requests()
      this.#lines = Math.min(MAX_LINES, Math.ceil(this.#lines * 1.1))
      return result
    } catch (error) {
      if (error instanceof StoreBusy && error.isTimeout) {
        this.#lines = Math.max(MIN_LINES, this.#lines >> 1)
      }
      throw error
    }
  }
}
