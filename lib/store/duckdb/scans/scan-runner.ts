import type { DuckDBConnection } from '@duckdb/node-api'
import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import { closedError, type Admission } from '../../admission.ts'
import type { ScopedScan } from '../../scans.ts'
import { isFatal, unavailable } from '../files/engine.ts'
import type { Session } from '../files/session.ts'
import type { SessionHolder } from '../files/session-holder.ts'
import { withView, type ScanContext, type View } from './view.ts'

/** How long scans under way may still run when the store closes. */
const CLOSE_GRACE_MS = 500
const INTERRUPT_EVERY_MS = 20

/** Runs scans, each on a connection of its own and with a view of one moment. */
export class ScanRunner {
  readonly #holder: SessionHolder
  readonly #admission: Admission
  readonly #clock: Clock
  #running = 0
  #isClosing = false

  constructor(holder: SessionHolder, admission: Admission, clock: Clock) {
    this.#holder = holder
    this.#admission = admission
    this.#clock = clock
  }

  run<S extends ScopedScan, R>(
    scanner: (context: ScanContext, scan: S) => Promise<R>,
    scan: S,
    signal: AbortSignal | undefined,
  ): Promise<R> {
    if (this.#isClosing) return Promise.reject(closedError())
    return this.#admission.run(
      (either) =>
        this.#onConnection(either, (session, connection) =>
          withView(session, (view) => scanner({ view, connection }, scan)),
        ),
      { caller: scan.caller, signal },
    )
  }

  /** Looks at the catalogue in memory, without waiting for other scans. */
  async peek<T>(look: (view: View) => T): Promise<T> {
    if (this.#isClosing) throw closedError()
    return this.#holder.use((session) => withView(session, async (view) => look(view)), isFatal)
  }

  /** Refuses further scans, and waits a moment for those under way. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#admission.close()
    const deadline = this.#clock.monoNs() + BigInt(CLOSE_GRACE_MS) * 1_000_000n
    while (this.#running > 0 && this.#clock.monoNs() < deadline) {
      await new Promise((resolve) => {
        setTimeout(resolve, INTERRUPT_EVERY_MS)
      })
    }
  }

  async #onConnection<T>(
    signal: AbortSignal,
    work: (session: Session, connection: DuckDBConnection) => Promise<T>,
  ): Promise<T> {
    this.#running += 1
    try {
      return await this.#holder.use(async (session) => {
        const connection = await session.readers.take()
        try {
          return await interruptible(connection, signal, () => work(session, connection))
        } finally {
          session.readers.give(connection)
        }
      }, isFatal)
    } catch (error) {
      throw this.#explain(error, signal)
    } finally {
      this.#running -= 1
    }
  }

  #explain(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason
    if (this.#isClosing) return closedError()
    if (error instanceof PlatformError || error instanceof RangeError) return error
    return unavailable('read from the store', error)
  }
}

/** Interrupts what runs on a connection when the signal aborts. */
async function interruptible<T>(
  connection: DuckDBConnection,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const interrupt = () => {
    connection.interrupt()
    // An interrupt between two statements is lost: it is repeated until the work has ended.
    timer ??= setInterval(() => connection.interrupt(), INTERRUPT_EVERY_MS)
  }
  signal.addEventListener('abort', interrupt, { once: true })
  if (signal.aborted) interrupt()
  try {
    return await work()
  } finally {
    signal.removeEventListener('abort', interrupt)
    clearInterval(timer)
  }
}
