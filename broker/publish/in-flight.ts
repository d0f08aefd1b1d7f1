import type { BackPressure } from '../connections/back-pressure.ts'
import type { Connection } from '../connections/connection.ts'
import type { BrokerOptions } from '../options.ts'

type Limits = Pick<BrokerOptions, 'maxInFlight' | 'maxInFlightPerClient'>

/** Messages that were given to the intake and are not durable yet. */
export class InFlight {
  readonly #backPressure: BackPressure
  readonly #limits: Limits
  #total = 0
  #isFull = false
  #onDrained: (() => void)[] = []

  constructor(backPressure: BackPressure, limits: Limits) {
    this.#backPressure = backPressure
    this.#limits = limits
  }

  get total(): number {
    return this.#total
  }

  /** Pauses the connection when no more of its messages can be taken now. */
  hasRoomFor(connection: Connection): boolean {
    const { maxInFlight, maxInFlightPerClient } = this.#limits
    if (this.#total >= maxInFlight) this.#isFull = true
    else if (connection.inFlight < maxInFlightPerClient) return true
    this.#backPressure.pause(connection, 'in_flight')
    return false
  }

  /** A will has no publisher: its connection is gone. */
  add(publisher: Connection | null): void {
    this.#total += 1
    if (publisher) publisher.inFlight += 1
  }

  /** The message is durable, or never will be. Call `tellDrained` when it has been dealt with. */
  remove(publisher: Connection | null): void {
    const { maxInFlight, maxInFlightPerClient } = this.#limits
    this.#total -= 1
    if (publisher) {
      publisher.inFlight -= 1
      if (publisher.inFlight <= maxInFlightPerClient / 2) {
        this.#backPressure.resume(publisher, 'in_flight')
      }
    }
    if (this.#isFull && this.#total <= maxInFlight / 2) {
      this.#isFull = false
      this.#backPressure.resumeAll('in_flight')
    }
  }

  /** Resolves when nothing is in flight. */
  drained(): Promise<void> {
    if (this.#total === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onDrained.push(resolve))
  }

  tellDrained(): void {
    if (this.#total > 0 || this.#onDrained.length === 0) return
    const resolves = this.#onDrained
    this.#onDrained = []
    for (const resolve of resolves) resolve()
  }
}
