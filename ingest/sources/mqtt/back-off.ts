import type { Random } from '#lib/runtime/random.ts'

export interface BackOffOptions {
  readonly firstMs: number
  readonly longestMs: number
}

/** Pauses between attempts: twice as long each time, and of random length, so that many do not come at once. */
export interface BackOff {
  next(): number
  /** The longest pause from now on: trying soon would change nothing. */
  slow(): number
  reset(): void
}

export function createBackOff({ firstMs, longestMs }: BackOffOptions, random: Random): BackOff {
  let attempts = 0
  const spread = (ms: number) => Math.ceil(ms * (0.5 + random.next() / 2))

  return {
    next() {
      const ms = Math.min(longestMs, firstMs * 2 ** Math.min(attempts, 30))
      attempts += 1
      return spread(ms)
    },
    slow: () => spread(longestMs),
    reset() {
      attempts = 0
    },
  }
}
