import type { Intake } from './intake.ts'

/** Messages that were handed to the intake and are not durable yet. */
export class InFlightCount {
  readonly #intake: Pick<Intake, 'paused'>
  #count = 0
  #waiting: (() => void)[] = []

  constructor(intake: Pick<Intake, 'paused' | 'onPausedChange'>) {
    this.#intake = intake
    intake.onPausedChange((paused) => {
      if (paused) this.#resolveWaiting()
    })
  }

  get count(): number {
    return this.#count
  }

  add(): void {
    this.#count += 1
  }

  /** The message is durable, or never will be. */
  remove(): void {
    this.#count -= 1
    if (this.#count === 0 && this.#waiting.length > 0) this.#resolveWaiting()
  }

  /**
   * Resolves when nothing is in flight. While the intake takes nothing that may be never, and it
   * resolves at once: such messages stay unacknowledged, and are sent again.
   */
  drainedOrPaused(): Promise<void> {
    if (this.#count === 0 || this.#intake.paused) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #resolveWaiting(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
