import type { Clock } from '#lib/runtime/clock.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'

export interface PollDeps {
  readonly refresh: () => void
  readonly clock: Clock
  readonly log: Log
}

/** Reading a large registry again takes time: of the thread it gets one part in this many. */
const SHARE = 10
const NS_PER_MS = 1_000_000

/** Looks again and again for what other processes have written, until it is ended. */
export function startPoll({ refresh, clock, log }: PollDeps, everyMs: number): { end(): void } {
  let timer = setTimeout(look, everyMs).unref()
  let hasFailed = false

  return { end: () => clearTimeout(timer) }

  function look(): void {
    const startNs = clock.monoNs()
    try {
      refresh()
      hasFailed = false
    } catch (error) {
      if (!hasFailed) {
        log.error({ detail: messageOf(error) }, 'the registry cannot be read again; it is tried on')
      }
      hasFailed = true
    }
    const tookMs = Number(clock.monoNs() - startNs) / NS_PER_MS
    timer = setTimeout(look, Math.max(everyMs, tookMs * SHARE)).unref()
  }
}
