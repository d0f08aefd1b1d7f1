import { StoreBusy } from './failure.ts'

/** Lines of one request: a few MB at most, and few enough for a slow server. */
const MOST_LINES = 5000
const LEAST_LINES = 100

/**
 * How many lines go into one request. A server that does not answer in time gets half as many, so
 * that a batch gets through in the end; only with whole batches do they slowly become more again.
 */
export interface Pace {
  readonly lines: number
  /** Runs the requests of a batch and learns from how they end. */
  batch<T>(requests: () => Promise<T>): Promise<T>
}

export function createPace(): Pace {
  let lines = MOST_LINES
  return {
    get lines() {
      return lines
    },
    async batch(requests) {
      try {
        const answer = await requests()
        lines = Math.min(MOST_LINES, Math.ceil(lines * 1.1))
        return answer
      } catch (error) {
        if (error instanceof StoreBusy && error.isTimeout) lines = Math.max(LEAST_LINES, lines >> 1)
        throw error
      }
    },
  }
}
