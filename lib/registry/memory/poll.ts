import type { Clock } from '#lib/runtime/clock.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'

export interface PollDeps {
  readonly refresh: () => void
  readonly clock: Clock
  readonly log: Log
}

export interface Poll {
  end(): void
}

/** Reading a large registry takes time: it gets at most one part in this many of the thread. */
const SHARE = 10
const NS_PER_MS = 1_000_000

/** Reads regularly what other processes have written, until it is ended. */
export function startPoll({ refresh, clock, log }: PollDeps, everyMs: number): Poll {
  let timer = setTimeout(poll, everyMs).unref()
  let hasFailed = false

  return { end: () => clearTimeout(timer) }

  function poll(): void {
    const startNs = clock.monoNs()
    try {
      refresh()
      hasFailed = false
    } catch (error) {
      if (!hasFailed) {
        log.error(
          { detail: messageOf(error) },
          'the registry cannot be read; the platform keeps trying',
        )
      }
      hasFailed = true
    }
    const tookMs = Number(clock.monoNs() - startNs) / NS_PER_MS
    timer = setTimeout(poll, Math.max(everyMs, tookMs * SHARE)).unref()
  }
}
