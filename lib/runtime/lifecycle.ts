import { systemClock, type Clock } from './clock.ts'
import { isPlatformError } from './errors.ts'
import type { Log } from './log.ts'

export interface LifecycleOptions {
  /** Longest orderly shutdown; then the exit code is 1 and open parts are named in the log. */
  readonly deadlineMs?: number
  readonly clock?: Clock
  /** Never rejects. A shutdown that begins before waits for it: what the start opens is closed too. */
  readonly started?: Promise<void>
}

/** Where signals come from: `process`, or an emitter of a test. */
export interface SignalSource {
  on(signal: StopSignal, listener: (signal: StopSignal) => void): unknown
}

/** Start and end of a process made of parts. */
export interface Lifecycle {
  /** Registers a part; parts are closed in reverse order, each after the one before is closed. */
  onClose(name: string, close: () => void | Promise<void>): void
  /** Watches background work: its failure is logged once and begins the shutdown. */
  run(work: Promise<unknown>, name: string): void
  /** A part cannot go on: logged, and the shutdown begins with exit code 1. */
  fail(name: string, error: unknown): void
  /** Begins the shutdown; the second call does nothing. The code of the process is in `closed`. */
  shutdown(reason: string): Promise<number>
  /** True from the first moment of the shutdown. */
  readonly closing: boolean
  /** Resolves with the exit code when every part is closed or the deadline is over; never rejects. */
  readonly closed: Promise<number>
  /**
   * SIGTERM and SIGINT begin the shutdown. Signals within a second of the first are the same one (npm
   * forwards what the whole group already got); a later one calls `exit` at once.
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
  const { deadlineMs = 20_000, clock = systemClock, started = Promise.resolve() } = options
  const parts: Part[] = []
  const { promise: closed, resolve: finish } = Promise.withResolvers<number>()
  let closing = false
  let exitCode = 0

  return {
    onClose(name, close) {
      parts.push({ name, close })
    },
    run(work, name) {
      work.catch((error: unknown) => {
        // Work that ends because its part was closed under it did not fail.
        if (closing && isPlatformError(error, 'CLOSED')) return
        fail(name, error)
      })
    },
    fail,
    shutdown,
    get closing() {
      return closing
    },
    closed,
    onSignals,
  }

  function fail(name: string, error: unknown): void {
    log.error({ err: error, part: name }, `${name} failed`)
    exitCode = 1
    void shutdown(`${name} failed`)
  }

  function shutdown(reason: string): Promise<number> {
    if (!closing) {
      closing = true
      log.info({ reason }, 'shutting down')
      // `closeParts` handles every error of a part itself.
      void closeParts().then(() => finish(exitCode))
    }
    return closed
  }

  async function closeParts(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), deadlineMs)
    })
    let isLate = (await Promise.race([started, deadline])) === 'late'
    let current: Part | undefined
    while (!isLate && (current = parts.pop())) {
      isLate = (await Promise.race([closePart(current), deadline])) === 'late'
    }
    clearTimeout(timer)
    if (!isLate) return
    exitCode = 1
    const open = [...parts, ...(current ? [current] : [])].toReversed().map(({ name }) => name)
    log.error({ open, deadlineMs }, 'the shutdown took too long; these parts are still open')
  }

  async function closePart({ name, close }: Part): Promise<void> {
    try {
      await close()
    } catch (error) {
      exitCode = 1
      log.error({ err: error, part: name }, `${name} could not be closed in order`)
    }
  }

  function onSignals(source: SignalSource, exit: (code: number) => void): void {
    let firstNs: bigint | null = null
    const listener = (signal: StopSignal) => {
      const nowNs = clock.monoNs()
      if (firstNs === null) {
        firstNs = nowNs
        void shutdown(signal)
      } else if (nowNs - firstNs > SAME_SIGNAL_NS) {
        log.warn({ signal }, 'a second signal: exit at once')
        exit(FORCED_EXIT[signal])
      }
    }
    // Never taken off again: the double of the first signal may come after the last part is closed.
    for (const signal of STOP_SIGNALS) source.on(signal, listener)
  }
}
