import { createBackoff, type Backoff, type BackoffOptions } from '#lib/runtime/back-off.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Influx } from '#lib/store/influx/client/influx.ts'
import { pointLine, type Point } from '#lib/store/influx/write/line.ts'
import type { KnownKeys } from './known-keys.ts'

interface PointWriterDeps {
  readonly influx: Pick<Influx, 'write'>
  readonly keys: KnownKeys
  readonly signal: AbortSignal
  readonly log: Log
}

/** Lines of one request. */
const MAX_LINES = 2000

/** Writes points to InfluxDB, and knows how long to wait while that fails. */
export class PointWriter {
  readonly #deps: PointWriterDeps
  readonly #backoff: Backoff
  #problem = ''

  constructor(deps: PointWriterDeps, backoff: BackoffOptions) {
    this.#deps = deps
    this.#backoff = createBackoff(backoff)
  }

  /** Why the series do not move; '' when they do. */
  get problem(): string {
    return this.#problem
  }

  async write(points: readonly Point[]): Promise<void> {
    const { influx, keys, signal, log } = this.#deps
    for (let from = 0; from < points.length; from += MAX_LINES) {
      await influx.write(points.slice(from, from + MAX_LINES).map(pointLine), signal)
    }
    // Only now: a key without a point takes no place.
    if (points.length > 0) keys.save()
    const { attempts } = this.#backoff
    if (attempts > 0) log.info({ attempts }, 'derived series are written again')
    this.#backoff.reset()
    this.#problem = ''
  }

  /** Something needed for the points failed; returns the pause until the next attempt. */
  failed(error: unknown): number {
    this.#problem = `derived series cannot be written: ${messageOf(error)}`
    if (this.#backoff.attempts === 0) {
      const text = 'derived series cannot be written; what is due waits on disk'
      this.#deps.log.warn({ err: error }, text)
    }
    return this.#backoff.next()
  }
}
