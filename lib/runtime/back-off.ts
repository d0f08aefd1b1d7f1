import type { Random } from './random.ts'

export interface BackoffOptions {
  readonly firstMs: number
  readonly maxMs: number
  /** Spreads each pause over its upper half, so that many clients do not return in one moment. */
  readonly random?: Pick<Random, 'next'>
}

/** Pauses between attempts that fail in a row: each twice as long as the one before, up to a limit. */
export interface Backoff {
  /** Pauses since the last success. */
  readonly attempts: number
  next(): number
  /** A pause of the full length at once, for failures that a quick attempt cannot repair. */
  longest(): number
  /** After a success. */
  reset(): void
}

/** Beyond it a doubled pause is above every limit, and the power would leave the safe integers. */
const MAX_DOUBLINGS = 30

export function createBackoff({ firstMs, maxMs, random }: BackoffOptions): Backoff {
  let attempts = 0
  const spread = (ms: number) => (random ? Math.ceil(ms * (0.5 + random.next() / 2)) : ms)

  return {
    get attempts() {
      return attempts
    },
    next() {
      const ms = Math.min(maxMs, firstMs * 2 ** Math.min(attempts, MAX_DOUBLINGS))
      attempts += 1
      return spread(ms)
    },
    longest() {
      attempts += 1
      return spread(maxMs)
    },
    reset() {
      attempts = 0
    },
  }
}
