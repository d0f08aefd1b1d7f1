import type { Clock } from '#lib/runtime/clock.ts'
import type { Intake } from '#lib/telemetry/intake.ts'
import { nativeTopic } from '#lib/telemetry/topics.ts'
import { sourceMessage } from '../source-message.ts'
import type { RfmsSettings } from './options.ts'
import type { Status } from './page.ts'
import type { Vehicles } from './vehicles.ts'

export interface HandOverDeps {
  readonly intake: Intake
  readonly vehicles: Vehicles
  readonly clock: Clock
}

const CHANNEL = 'rfms'

/** Hands vehicle statuses to the intake, a limited number at once. */
export class HandOver {
  readonly #deps: HandOverDeps
  readonly #settings: Pick<RfmsSettings, 'server' | 'maxInFlight'>
  #taken = 0
  #unregistered = 0
  #inFlight = 0
  #isClosed = false
  /** Called when something has changed; there is one round at a time. */
  #wake = () => {}

  constructor(deps: HandOverDeps, settings: Pick<RfmsSettings, 'server' | 'maxInFlight'>) {
    this.#deps = deps
    this.#settings = settings
    deps.intake.onPausedChange((paused) => {
      if (!paused) this.#wake()
    })
  }

  /** Statuses made durable. */
  get taken(): number {
    return this.#taken
  }

  get unregistered(): number {
    return this.#unregistered
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** True when all are durable; false when the intake or this is closing. */
  async take(statuses: readonly Status[]): Promise<boolean> {
    const { maxInFlight } = this.#settings
    let isDurable = true
    const done = (error: Error | null) => {
      this.#inFlight -= 1
      if (error) isDurable = false
      else this.#taken += 1
      this.#wake()
    }
    for (const status of statuses) {
      await this.#until(() => !this.#deps.intake.paused && this.#inFlight < maxInFlight)
      if (this.#isClosed || !isDurable) return false
      this.#handOver(status, done)
    }
    await this.#until(() => this.#inFlight === 0)
    return isDurable && this.#inFlight === 0
  }

  /** Nothing is handed over any more. */
  close(): void {
    this.#isClosed = true
    this.#wake()
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.#isClosed) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  #handOver({ vin, json }: Status, done: (error: Error | null) => void): void {
    const { intake, vehicles, clock } = this.#deps
    const { name, unregistered } = this.#settings.server
    const device = vehicles.deviceOf(vin)
    if (device === null) this.#unregistered += 1
    if (device === null && unregistered === 'skip') return
    this.#inFlight += 1
    // Without a device it becomes a rejection, which shows people what is not registered.
    const topic = device === null ? `${CHANNEL}/${name}` : nativeTopic(device, CHANNEL)
    const payload = Buffer.from(JSON.stringify(json))
    intake.accept(sourceMessage({ device: device ?? '', topic }, payload, clock), done)
  }
}
