import { FairQueue, type TurnRequest } from '#lib/runtime/fair-queue.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import { PLATFORM_CALLER, type CallerTag } from '#lib/telemetry/caller-tag.ts'
import type { StoreLimits } from './store.ts'

/**
 * Most scans end within this time by themselves. One that does not gives way where it and others of
 * its tenant keep another tenant waiting.
 */
const GIVE_WAY_AFTER_MS = 50

/** For whom a scan runs, and the signal of who waits for it. */
export interface AdmissionRequest {
  readonly caller?: CallerTag | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs a few scans at once, lets some wait, and refuses the rest. Tenants take turns, and in them
 * keys. A scan that has to give way is begun again, once: its work must bear that.
 */
export class Admission {
  readonly #limits: StoreLimits
  readonly #queue: FairQueue

  constructor(limits: StoreLimits, giveWayAfterMs = GIVE_WAY_AFTER_MS) {
    const { queryConcurrency, queryQueue } = limits
    this.#limits = limits
    this.#queue = new FairQueue({
      running: { ofKey: queryConcurrency, ofTenant: queryConcurrency, all: queryConcurrency },
      waiting: { ofKey: queryQueue, ofTenant: queryQueue, all: queryQueue },
      giveWayAfterMs,
      refuse: () => this.#busy(),
    })
  }

  /**
   * `work` gets a signal that aborts at the deadline, which counts from now, when the caller's own
   * does, or when it has to give way.
   */
  async run<T>(
    work: (signal: AbortSignal) => Promise<T>,
    { caller = PLATFORM_CALLER, signal }: AdmissionRequest = {},
  ): Promise<T> {
    const deadline = AbortSignal.timeout(this.#limits.queryTimeoutMs)
    const either = signal ? AbortSignal.any([deadline, signal]) : deadline
    try {
      return await this.#inTurn(work, caller, { signal: either })
    } catch (error) {
      throw deadline.aborted && !signal?.aborted ? this.#timedOut(error) : error
    }
  }

  /** Refuses everything that waits and that comes later with CLOSED. */
  close(): void {
    this.#queue.close(closedError())
  }

  async #inTurn<T>(
    work: (signal: AbortSignal) => Promise<T>,
    caller: CallerTag,
    request: TurnRequest & { readonly signal: AbortSignal },
  ): Promise<T> {
    const { signal } = request
    const turn = await this.#queue.enter(caller, request)
    try {
      const result = await work(AbortSignal.any([signal, turn.giveWay]))
      signal.throwIfAborted()
      return result
    } catch (error) {
      if (signal.aborted || !turn.giveWay.aborted) throw error
    } finally {
      turn.leave()
    }
    return await this.#inTurn(work, caller, { signal, gaveWay: true })
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
