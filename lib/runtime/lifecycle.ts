import { systemClock, type Clock } from './clock.ts'
import { isPlatformError } from './errors.ts'
import type { Log } from './log.ts'

export interface LifecycleOptions {
  /** Longest orderly shutdown; then the exit code is 1 and open parts are named in the log. */
  readonly deadlineMs?: number
  readonly clock?: Clock
  /** Never rejects. A shutdown during the start waits for it: what the start opens is closed too. */
  readonly started?: Promise<void>
}

/** Source of signals: `process`, or an emitter of a test. */
export interface SignalSource {
  on(signal: StopSignal, listener: (signal: StopSignal) => void): unknown
}

/** Start and end of a process made of parts. */
export interface Lifecycle {
  /** Registers a part; parts are closed in reverse order, each after the one before is closed. */
  onClose(name: string, close: () => void | Promise<void>): void
  /** Watches background work: a failure is logged once and begins the shutdown. */
  run(work: Promise<unknown>, name: string): void
  /** A part cannot continue: logged, and the shutdown begins with exit code 1. */
  fail(name: string, error: unknown): void
  /** Begins the shutdown; the second call does nothing. The code of the process is in `closed`. */
  shutdown(reason: string): Promise<number>
  /** True from the first moment of the shutdown. */
  readonly closing: boolean
  /** Resolves with the exit code when every part is closed or the deadline is over; never rejects. */
  readonly closed: Promise<number>
  /**
   * SIGTERM and SIGINT begin the shutdown. Signals within a second of the first are the same one (npm
   * forwards what the whole group has already received); a later one calls `exit` at once.
   */
  onSignals(source: SignalSource, exit: (code: number) => void): void
}

export type StopSignal = 'SIGTERM' | 'SIGINT'

const STOP_SIGNALS: readonly StopSignal[] = ['SIGTERM', 'SIGINT']
const SAME_SIGNAL_NS = 1_000_000_000n
/** By custom 128 and the number of the signal. */
const FORCED_EXIT: Readonly<Record<StopSignal, number>> = { SIGINT: 130, SIGTERM: 143 }

interface Part {
  readonly name: string
  readonly close: () => void | Promise<void>
}

export function createLifecycle(log: Log, options: LifecycleOptions = {}): Lifecycle {
  return new ProcessLifecycle(log, options)
}

class ProcessLifecycle implements Lifecycle {
  readonly closed: Promise<number>
  readonly #log: Log
  readonly #options: Required<LifecycleOptions>
  readonly #parts: Part[] = []
  readonly #finish: (exitCode: number) => void
  #closing = false
  #exitCode = 0

  constructor(log: Log, options: LifecycleOptions) {
    const { deadlineMs = 20_000, clock = systemClock, started = Promise.resolve() } = options
    const { promise, resolve } = Promise.withResolvers<number>()
    this.#log = log
    this.#options = { deadlineMs, clock, started }
    this.closed = promise
    this.#finish = resolve
  }

  get closing(): boolean {
    return this.#closing
  }

  onClose(name: string, close: () => void | Promise<void>): void {
    this.#parts.push({ name, close })
  }

  run(work: Promise<unknown>, name: string): void {
    work.catch((error: unknown) => {
      // Work that ends because its part was closed did not fail.
      if (this.#closing && isPlatformError(error, 'CLOSED')) return
      this.fail(name, error)
    })
  }

  fail(name: string, error: unknown): void {
    this.#log.error({ err: error, part: name }, `${name} failed`)
    this.#exitCode = 1
    void this.shutdown(`${name} failed`)
  }

  shutdown(reason: string): Promise<number> {
    if (!this.#closing) {
      this.#closing = true
      this.#log.info({ reason }, 'shutting down')
      // `#closeParts` handles every error of a part itself.
      void this.#closeParts().then(() => this.#finish(this.#exitCode))
    }
    return this.closed
  }

  onSignals(source: SignalSource, exit: (code: number) => void): void {
    const { clock } = this.#options
    let firstNs: bigint | null = null
    const listener = (signal: StopSignal) => {
      const nowNs = clock.monoNs()
      if (firstNs === null) {
        firstNs = nowNs
        void this.shutdown(signal)
      } else if (nowNs - firstNs > SAME_SIGNAL_NS) {
        this.#log.warn({ signal }, 'a second signal: exit at once')
        exit(FORCED_EXIT[signal])
      }
    }
    // Never removed: the double of the first signal may come after the last part is closed.
    for (const signal of STOP_SIGNALS) source.on(signal, listener)
  }

  async #closeParts(): Promise<void> {
    const { deadlineMs, started } = this.#options
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), deadlineMs)
    })
    let isLate = (await Promise.race([started, deadline])) === 'late'
    let current: Part | undefined
    while (!isLate && (current = this.#parts.pop())) {
      isLate = (await Promise.race([this.#closePart(current), deadline])) === 'late'
    }
    clearTimeout(timer)
    if (!isLate) return
    this.#exitCode = 1
    const open = [...this.#parts, ...(current ? [current] : [])]
      .toReversed()
      .map(({ name }) => name)
    this.#log.error({ open, deadlineMs }, 'the shutdown took too long; these parts are still open')
  }

  async #closePart({ name, close }: Part): Promise<void> {
    try {
      await close()
    } catch (error) {
      this.#exitCode = 1
      this.#log.error({ err: error, part: name }, `${name} could not be closed in order`)
    }
  }
}
