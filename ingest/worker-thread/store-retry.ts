import { createBackoff, type Backoff } from '#lib/runtime/back-off.ts'
import { isPlatformError, messageOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import { createRandomFromClock } from '#lib/runtime/random.ts'
import type { Clock } from '#lib/runtime/clock.ts'

interface StoreRetryDeps {
  readonly clock: Clock
  readonly log: Log
  pause(ms: number): Promise<void>
  /** Called when the store begins and when it ceases to refuse; '' is well again. */
  readonly onProblem: (text: string) => void
}

/** The writer was closed while a step was tried again and again. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp'
}

/** Repeats steps that need the store until they work, or until it is closed. */
export class StoreRetry {
  readonly #deps: StoreRetryDeps
  readonly #backoff: Backoff
  #isClosed = false

  constructor(deps: StoreRetryDeps) {
    this.#deps = deps
    const random = createRandomFromClock(deps.clock)
    this.#backoff = createBackoff({ firstMs: 100, maxMs: 5000, random })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Says once that and why it waits. Throws GivenUp after `close`, STORE_AHEAD at once. */
  async run<T>(step: () => Promise<T>): Promise<T> {
    this.#backoff.reset()
    for (;;) {
      try {
        const result = await step()
        if (this.#backoff.attempts > 0) this.#reportRecovery()
        return result
      } catch (error) {
        if (isPlatformError(error, 'STORE_AHEAD')) throw error
        if (this.#backoff.attempts === 0) this.#reportFailure(error)
        if (!this.#isClosed) await this.#deps.pause(this.#backoff.next())
        if (this.#isClosed) throw new GivenUp('the writer was closed', { cause: error })
      }
    }
  }

  /** No new attempt is begun. */
  close(): void {
    this.#isClosed = true
  }

  #reportFailure(error: unknown): void {
    const { log, onProblem } = this.#deps
    onProblem(`the store cannot be written: ${messageOf(error)}`)
    log.error({ err: error }, 'the store cannot be written; the journal keeps everything')
  }

  #reportRecovery(): void {
    const { attempts } = this.#backoff
    this.#deps.onProblem('')
    this.#deps.log.info({ attempts }, 'the store takes readings again')
  }
}
