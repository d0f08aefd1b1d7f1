import { InFlightCount } from '#lib/telemetry/in-flight.ts'
import type { Intake } from '#lib/telemetry/intake.ts'
import type { BackPressure } from '../connections/back-pressure.ts'
import type { Connection } from '../connections/connection.ts'
import type { BrokerOptions } from '../options.ts'

type Limits = Pick<BrokerOptions, 'maxInFlight' | 'maxInFlightPerClient'>

/** Limits how many messages are in flight, over all clients and for each. */
export class InFlight {
  readonly #all: InFlightCount
  readonly #backPressure: BackPressure
  readonly #limits: Limits
  #isFull = false

  constructor(intake: Intake, backPressure: BackPressure, limits: Limits) {
    this.#all = new InFlightCount(intake)
    this.#backPressure = backPressure
    this.#limits = limits
  }

  get count(): number {
    return this.#all.count
  }

  /** Pauses the connection when no more of its messages can be taken now. */
  hasRoomFor(connection: Connection): boolean {
    const { maxInFlight, maxInFlightPerClient } = this.#limits
    if (this.#all.count >= maxInFlight) this.#isFull = true
    else if (connection.inFlight < maxInFlightPerClient) return true
    this.#backPressure.pause(connection, 'in_flight')
    return false
  }

  /** A will has no publisher: its connection is gone. */
  add(publisher: Connection | null): void {
    this.#all.add()
    if (publisher) publisher.inFlight += 1
  }

  /** The message is durable, or never will be. */
  remove(publisher: Connection | null): void {
    const { maxInFlight, maxInFlightPerClient } = this.#limits
    this.#all.remove()
    if (publisher) {
      publisher.inFlight -= 1
      if (publisher.inFlight <= maxInFlightPerClient / 2) {
        this.#backPressure.resume(publisher, 'in_flight')
      }
    }
    if (this.#isFull && this.#all.count <= maxInFlight / 2) {
      this.#isFull = false
      this.#backPressure.resumeAll('in_flight')
    }
  }

  drainedOrPaused(): Promise<void> {
    return this.#all.drainedOrPaused()
  }
}
