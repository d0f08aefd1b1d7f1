import type { Log } from '#lib/runtime/log.ts'
import { isPlatformError } from '#lib/runtime/errors.ts'
import type { Caller } from '#lib/runtime/threads/rpc.ts'
import type { LiveBatch, LiveFeed, LiveInterest } from '#lib/telemetry/live.ts'

export interface LiveFeedDeps {
  readonly journal: string
  readonly caller: Caller
  readonly progress: { readonly written: number }
  readonly log: Log
}

/** The feed of one process, and where the ingest thread brings its batches. */
export interface LiveHub extends LiveFeed {
  publish(batch: LiveBatch): void
}

/**
 * On the main thread: tells the ingest thread what all listeners together want, and hands each
 * batch to all of them. What a listener wants of it is the listener's own business.
 */
export function createLiveHub({ journal, caller, progress, log }: LiveFeedDeps): LiveHub {
  const listeners = new Map<(batch: LiveBatch) => void, LiveInterest>()

  return {
    journal,
    get position() {
      return progress.written
    },
    join(interest, listener) {
      listeners.set(listener, interest)
      return {
        from: want(),
        close() {
          if (!listeners.delete(listener)) return
          want().catch((error: unknown) => {
            if (!isPlatformError(error, 'CLOSED')) log.warn({ err: error }, 'live: not told')
          })
        },
      }
    },
    publish(batch) {
      for (const listener of listeners.keys()) listener(batch)
    },
  }

  /** Answers where the writer stands: all that it writes from there on is published as wanted. */
  function want(): Promise<number> {
    const interests = new Map([...listeners.values()].map((one) => [JSON.stringify(one), one]))
    return caller.call<number>('watch', [...interests.values()])
  }
}
