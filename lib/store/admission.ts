import { PlatformError } from '#lib/runtime/errors.ts'
import type { StoreLimits } from './store.ts'

/** Runs a few queries at once, lets some wait, and refuses the rest. */
export class Admission {
  readonly #limits: StoreLimits
  readonly #waiting = new Set<() => void>()
  #running = 0
  #closed = false

  constructor(limits: StoreLimits) {
    this.#limits = limits
  }

  /**
   * `work` gets a signal that aborts at the deadline, which counts from now, or when the caller's
   * own does.
   */
  async run<T>(work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { queryTimeoutMs, queryConcurrency, queryQueue } = this.#limits
    if (this.#closed) throw closedError()
    if (this.#running >= queryConcurrency && this.#waiting.size >= queryQueue) throw this.#busy()
    const deadline = AbortSignal.timeout(queryTimeoutMs)
    const either = signal ? AbortSignal.any([deadline, signal]) : deadline
    if (this.#running < queryConcurrency) this.#running += 1
    else await this.#turn(either)
    try {
      if (this.#closed) throw closedError()
      either.throwIfAborted()
      const result = await work(either)
      either.throwIfAborted()
      return result
    } catch (error) {
      throw deadline.aborted && !signal?.aborted ? this.#timedOut(error) : error
    } finally {
      // The one that waits longest goes next; without one there is room.
      const [next] = this.#waiting
      if (next) next()
      else this.#running -= 1
    }
  }

  /** Refuses everything that waits and that comes later with CLOSED. */
  close(): void {
    this.#closed = true
    for (const admit of this.#waiting) admit()
  }

  /** Waits until a query that ends calls `admit`. */
  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const admit = () => {
        this.#waiting.delete(admit)
        signal.removeEventListener('abort', giveUp)
        if (this.#closed) this.#running += 1
        resolve()
      }
      const giveUp = () => {
        this.#waiting.delete(admit)
        reject(this.#timeoutOrAbort(signal))
      }
      this.#waiting.add(admit)
      if (signal.aborted) giveUp()
      else signal.addEventListener('abort', giveUp, { once: true })
    })
  }

  #timeoutOrAbort({ reason }: AbortSignal): unknown {
    const isTimeout = reason instanceof Error && reason.name === 'TimeoutError'
    return isTimeout ? this.#timedOut(reason) : reason
  }

  #timedOut(cause: unknown): PlatformError {
    return new PlatformError(
      'QUERY_TIMEOUT',
      `expected a result within ${this.#limits.queryTimeoutMs} ms (PADBORG_QUERY_TIMEOUT_MS), the ` +
        `query took longer and was cancelled; ask for a shorter span or fewer groups`,
      { cause },
    )
  }

  #busy(): PlatformError {
    const { queryQueue } = this.#limits
    return new PlatformError(
      'QUERY_BUSY',
      `expected at most ${queryQueue} queries to wait (PADBORG_QUERY_QUEUE), that many wait ` +
        `already; try again in a moment`,
    )
  }
}

export function closedError(): PlatformError {
  return new PlatformError('CLOSED', 'the store was used after it was closed')
}
