import type { Clock } from '#lib/runtime/clock.ts'
import { StoreBusy } from './failure.ts'

/** A server that asks for a longer pause than this is tried again all the same. */
const MAX_PAUSE_MS = 300_000

/** Leaves a server alone for as long as it asked to be (Retry-After); the journal waits. */
export class ServerPause {
  readonly #clock: Clock
  #untilNs = 0n

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Throws while the pause lasts. */
  requireOver(): void {
    const restMs = Number(this.#untilNs - this.#clock.monoNs()) / 1e6
    if (restMs <= 0) return
    throw new StoreBusy(
      `InfluxDB asked for a pause (Retry-After); it is written to again in ${Math.ceil(restMs)} ms`,
      { retryAfterMs: 0 },
    )
  }

  note(error: unknown): void {
    if (!(error instanceof StoreBusy) || error.retryAfterMs === 0) return
    const pauseMs = Math.min(error.retryAfterMs, MAX_PAUSE_MS)
    // Several intakes that were refused together do not come back together.
    const jitterMs = Number(this.#clock.monoNs() % 1000n) / 10
    this.#untilNs = this.#clock.monoNs() + BigInt(Math.ceil(pauseMs + jitterMs)) * 1_000_000n
  }
}
