import { messageOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'

/** How long to wait after failures in a row; says once that it waits and once that it goes on. */
export interface Patience {
  failed(error: unknown): number
  worked(): void
  /** Why the series stand still; '' when they do not. */
  readonly problem: string
}

export interface PatienceOptions {
  readonly firstMs: number
  readonly longestMs: number
  /** 0 up to 1: several processes must not come back in one moment. */
  readonly random: () => number
}

export function createPatience(log: Log, options: PatienceOptions): Patience {
  let failures = 0
  let problem = ''

  return {
    failed(error) {
      problem = `derived series cannot be written: ${messageOf(error)}`
      if (failures === 0) {
        log.warn({ err: error }, 'derived series cannot be written; what is due waits on disk')
      }
      const { firstMs, longestMs } = options
      const ms = Math.min(longestMs, firstMs * 2 ** Math.min(failures, 16))
      failures += 1
      return ms * (0.5 + options.random() / 2)
    },
    worked() {
      if (failures > 0) log.info({ attempts: failures }, 'derived series are written again')
      failures = 0
      problem = ''
    },
    get problem() {
      return problem
    },
  }
}
