import type { Log } from '#lib/runtime/log.ts'
import { isPlatformError } from '#lib/runtime/errors.ts'
import type { Caller } from '#lib/runtime/threads/rpc.ts'
import type { LiveBatch, LiveFeed, LiveInterest, LiveSubscription } from '#lib/telemetry/live.ts'

interface LiveHubDeps {
  readonly journal: string
  readonly caller: Caller
  readonly progress: { readonly written: number }
  readonly log: Log
}

/**
 * The live feed of one process: hands the ingest thread the interests of all listeners, and hands
 * each batch to all of them. What a listener wants of it is the listener's own business.
 */
export class LiveHub implements LiveFeed {
  readonly journal: string
  readonly #deps: LiveHubDeps
  readonly #listeners = new Map<(batch: LiveBatch) => void, LiveInterest>()

  constructor(deps: LiveHubDeps) {
    this.journal = deps.journal
    this.#deps = deps
  }

  get position(): number {
    return this.#deps.progress.written
  }

  join(interest: LiveInterest, listener: (batch: LiveBatch) => void): LiveSubscription {
    this.#listeners.set(listener, interest)
    return { from: this.#want(), close: () => this.#leave(listener) }
  }

  /** The ingest thread brings a batch. */
  publish(batch: LiveBatch): void {
    for (const listener of this.#listeners.keys()) listener(batch)
  }

  #leave(listener: (batch: LiveBatch) => void): void {
    if (!this.#listeners.delete(listener)) return
    this.#want().catch((error: unknown) => {
      if (isPlatformError(error, 'CLOSED')) return
      this.#deps.log.warn(
        { err: error },
        'the interests of live viewers did not reach the ingest thread',
      )
    })
  }

  /** Returns the position of the writer: all that it writes from there on is published as wanted. */
  #want(): Promise<number> {
    const wanted = [...this.#listeners.values()].map((one) => [JSON.stringify(one), one] as const)
    return this.#deps.caller.call<number>('watch', [...new Map(wanted).values()])
  }
}
