import type { Clock } from '#lib/runtime/clock.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { prepareFlush, sendOutbox, type Flushing } from '../write/flush.ts'
import { Accumulator } from './accumulator.ts'

/** More figures than this are flushed before their time. */
const MAX_FIGURES = 20_000

/** The figures that InfluxDB does not have, or may not have as a whole. */
export class UnsentFigures {
  readonly #flushing: Flushing
  readonly #clock: Clock
  #current: Accumulator
  /** Figures of a flush under way. */
  #pending: Accumulator | null = null
  #rolled: number

  constructor(flushing: Flushing, clock: Clock) {
    this.#flushing = flushing
    this.#clock = clock
    this.#current = this.#created()
    this.#rolled = flushing.local.rolled
  }

  /** Figures are in InfluxDB up to this position. */
  get rolled(): number {
    return this.#rolled
  }

  get isFull(): boolean {
    return this.#current.figures.size >= MAX_FIGURES
  }

  get all(): readonly Accumulator[] {
    return this.#pending ? [this.#pending, this.#current] : [this.#current]
  }

  get firstPosition(): number | null {
    return this.#pending?.firstPosition ?? this.#current.firstPosition
  }

  add(readings: readonly Reading[]): void {
    this.#current.add(readings)
  }

  /** An earlier flush goes first: the figures of a flush are seen once all of them are there. */
  async flush(committed: number, signal?: AbortSignal): Promise<void> {
    if (this.#pending) await this.#send(signal)
    if (this.#current.firstPosition === null) return
    prepareFlush(this.#flushing, this.#current, committed)
    this.#pending = this.#current
    this.#current = this.#created()
    await this.#send(signal)
  }

  async #send(signal: AbortSignal | undefined): Promise<void> {
    await sendOutbox(this.#flushing, this.#clock.nowNs(), signal)
    this.#rolled = this.#flushing.local.rolled
    this.#pending = null
  }

  #created(): Accumulator {
    const { channels } = this.#flushing.local
    return new Accumulator((channel) => channels.get(channel))
  }
}
