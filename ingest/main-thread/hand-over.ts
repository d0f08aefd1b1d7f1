import type { Clock } from '#lib/runtime/clock.ts'
import type { Durable, Journal } from '../journal/journal.ts'
import type { StageClock } from '../state/stage-clock.ts'
import type { ToWorker } from '../thread-messages.ts'
import type { DeviceNotes } from './device-notes.ts'

interface HandOverDeps {
  readonly journal: Pick<Journal, 'durable'>
  readonly notes: DeviceNotes
  readonly stages: StageClock
  readonly clock: Clock
  readonly post: (message: ToWorker) => void
}

/**
 * Tells the worker how far the journal is durable. One batch at a time, begun at most every `batchMs`,
 * at once when nothing went on for that long.
 */
export class HandOver {
  readonly #deps: HandOverDeps
  readonly #batchMs: number
  #isBusy = false
  #isClosed = false
  #sentAtNs = 0n
  #sent: Durable | null = null
  #timer: NodeJS.Timeout | null = null

  constructor(deps: HandOverDeps, batchMs: number) {
    this.#deps = deps
    this.#batchMs = batchMs
  }

  /** The journal may have moved. */
  wake(): void {
    const { durable } = this.#deps.journal
    if (!this.#sent || durable.position !== this.#sent.position) this.schedule()
  }

  /** There is something to hand over. */
  schedule(): void {
    if (this.#isBusy || this.#timer || this.#isClosed) return
    const waitedMs = Number(this.#deps.clock.monoNs() - this.#sentAtNs) / 1e6
    if (waitedMs >= this.#batchMs) this.#send()
    else this.#timer = setTimeout(() => this.#send(), this.#batchMs - waitedMs)
  }

  /** The worker has done all that it was given. */
  onIdle(): void {
    this.#isBusy = false
    this.wake()
    if (!this.#deps.notes.isEmpty) this.schedule()
  }

  /** Hands over what is left, whether the worker is busy or not; nothing follows. */
  close(): void {
    this.#send()
    this.#isClosed = true
  }

  #send(): void {
    const { journal, notes, stages, clock, post } = this.#deps
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#isBusy = true
    this.#sentAtNs = clock.monoNs()
    this.#sent = journal.durable
    post({ type: 'durable', durable: this.#sent, ...notes.take(), stages: stages.take() })
  }
}
