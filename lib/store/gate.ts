import { PlatformError } from '#lib/runtime/errors.ts'
import type { StoreLimits } from './store.ts'

/** Lets few questions in at once, some wait, and turns the rest away. */
export interface Gate {
  /** `work` gets a signal that aborts at the deadline, which counts from now, or by the caller. */
  run<T>(work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T>
  /** Refuses everything that waits and that comes later with CLOSED. */
  close(): void
}

export function createGate(limits: StoreLimits): Gate {
  const { queryTimeoutMs, queryConcurrency, queryQueue } = limits
  const waiting = new Set<() => void>()
  let running = 0
  let closed = false

  return {
    async run(work, signal) {
      if (closed) throw closedError()
      if (running >= queryConcurrency && waiting.size >= queryQueue) throw busy()
      const deadline = AbortSignal.timeout(queryTimeoutMs)
      const either = signal ? AbortSignal.any([deadline, signal]) : deadline
      if (running < queryConcurrency) running += 1
      else await turn(either)
      try {
        if (closed) throw closedError()
        either.throwIfAborted()
        const answer = await work(either)
        either.throwIfAborted()
        return answer
      } catch (error) {
        throw deadline.aborted && !signal?.aborted ? timedOut(error) : error
      } finally {
        // The place goes to the one that waits longest, else it is free.
        const [next] = waiting
        if (next) next()
        else running -= 1
      }
    },
    close() {
      closed = true
      for (const admit of waiting) admit()
    },
  }

  /** Waits for a place; whoever gives one up calls `admit`. */
  function turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const admit = () => {
        waiting.delete(admit)
        signal.removeEventListener('abort', giveUp)
        if (closed) running += 1
        resolve()
      }
      const giveUp = () => {
        waiting.delete(admit)
        reject(timeoutOrAbort(signal))
      }
      waiting.add(admit)
      if (signal.aborted) giveUp()
      else signal.addEventListener('abort', giveUp, { once: true })
    })
  }

  function timeoutOrAbort(signal: AbortSignal): unknown {
    const { reason } = signal
    return reason instanceof Error && reason.name === 'TimeoutError' ? timedOut(reason) : reason
  }

  function timedOut(cause: unknown): PlatformError {
    return new PlatformError(
      'QUERY_TIMEOUT',
      `expected an answer within ${queryTimeoutMs} ms (PADBORG_QUERY_TIMEOUT_MS), it took longer ` +
        `and was cancelled; ask for a shorter span or fewer groups`,
      { cause },
    )
  }

  function busy(): PlatformError {
    return new PlatformError(
      'QUERY_BUSY',
      `expected at most ${queryQueue} questions to wait (PADBORG_QUERY_QUEUE), there are that ` +
        `many already; ask again in a moment`,
    )
  }
}

export function closedError(): PlatformError {
  return new PlatformError('CLOSED', 'the store was asked for something after it was closed')
}
