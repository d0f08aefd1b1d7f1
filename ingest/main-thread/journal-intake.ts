import type { Clock } from '#lib/runtime/clock.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { ClientCertificate, ClockSample, Intake } from '#lib/telemetry/intake.ts'
import type { IncomingMessage } from '#lib/telemetry/message.ts'
import type { Journal } from '../journal/journal.ts'
import type { StageClock } from '../state/stage-clock.ts'
import type { Accepted } from './accepted.ts'
import type { DeviceNotes } from './device-notes.ts'
import type { HandOver } from './hand-over.ts'

interface IntakeDeps {
  readonly journal: Journal
  readonly accepted: Accepted
  readonly notes: DeviceNotes
  readonly stages: StageClock
  readonly handOver: HandOver
  readonly clock: Clock
  /** Messages that one group commit made durable. */
  onAccepted(messages: number): void
}

/** Messages of one group became durable together: their clock is read once. */
interface Group {
  messages: number
  readonly monoNs: bigint
  countLatency(ms: number): void
}

/** Takes messages into the journal, and counts them once they are durable. */
export class JournalIntake implements Intake {
  readonly #deps: IntakeDeps
  #group: Group | null = null

  constructor(deps: IntakeDeps) {
    this.#deps = deps
  }

  accept(message: IncomingMessage, done: (error: Error | null) => void): void {
    this.#deps.journal.append(message, (error) => {
      if (!error) this.#count(message)
      done(error)
    })
  }

  get paused(): boolean {
    return this.#deps.journal.paused
  }

  onPausedChange(listener: (paused: boolean) => void): void {
    this.#deps.journal.onPausedChange(listener)
  }

  clockSample(device: FullId, sample: ClockSample): void {
    this.#deps.notes.addClock(device, sample)
    this.#deps.handOver.schedule()
  }

  command(device: FullId): void {
    this.#deps.notes.addCommand(device)
    this.#deps.handOver.schedule()
  }

  certificate(device: FullId, certificate: ClientCertificate | null): void {
    this.#deps.notes.setCertificate(device, certificate)
    this.#deps.handOver.schedule()
  }

  /** Called after the callbacks of all messages of a group commit. */
  endGroup(): void {
    if (this.#group) this.#deps.onAccepted(this.#group.messages)
    this.#group = null
  }

  #count({ device, receivedMonoNs }: IncomingMessage): void {
    const { accepted } = this.#deps
    accepted.add(device)
    const group = (this.#group ??= this.#beginGroup())
    group.messages += 1
    group.countLatency(Number(group.monoNs - receivedMonoNs) / 1e6)
  }

  #beginGroup(): Group {
    const { clock, stages } = this.#deps
    const countLatency = stages.at('durable', clock.nowNs())
    return { messages: 0, monoNs: clock.monoNs(), countLatency }
  }
}
