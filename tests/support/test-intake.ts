import type { FullId } from '#lib/telemetry/ids.ts'
import type { ClientCertificate, ClockSample, Intake } from '#lib/telemetry/intake.ts'
import type { IncomingMessage } from '#lib/telemetry/message.ts'

type Done = (error: Error | null) => void

/** An intake that makes messages durable when the test says so. */
export class TestIntake implements Intake {
  readonly accepted: IncomingMessage[] = []
  readonly samples: { device: string; sample: ClockSample }[] = []
  readonly commands: string[] = []
  readonly certificates: { device: string; certificate: ClientCertificate | null }[] = []
  readonly pending: Done[] = []
  /** `now`: durable at once. `later`: when `commit` is called. */
  mode: 'now' | 'later' = 'now'
  readonly #listeners: ((paused: boolean) => void)[] = []
  #paused = false

  accept(message: IncomingMessage, done: Done): void {
    if (this.#paused) throw new Error('a message was handed over while the intake is paused')
    // The journal copies at once; so does the test, because the payload is only borrowed.
    this.accepted.push({ ...message, payload: Buffer.from(message.payload) })
    if (this.mode === 'now') done(null)
    else this.pending.push(done)
  }

  /** Makes everything pending durable, in order; or lets it fail. */
  commit(error: Error | null = null): void {
    for (const done of this.pending.splice(0)) done(error)
  }

  get paused(): boolean {
    return this.#paused
  }

  onPausedChange(listener: (paused: boolean) => void): void {
    this.#listeners.push(listener)
  }

  pause(): void {
    this.#setPaused(true)
  }

  resume(): void {
    this.#setPaused(false)
  }

  clockSample(device: FullId, sample: ClockSample): void {
    this.samples.push({ device, sample })
  }

  command(device: FullId): void {
    this.commands.push(device)
  }

  certificate(device: FullId, certificate: ClientCertificate | null): void {
    this.certificates.push({ device, certificate })
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused
    for (const listener of this.#listeners) listener(paused)
  }
}
