import type { DuckDBConnection } from '@duckdb/node-api'
import { PlatformError } from '#lib/runtime/errors.ts'
import type { StoreOptions } from '../options.ts'
import type { ExactLatency, Store, StoreBatch, StoreUpkeep, StoreWriter } from '../store.ts'
import { isFatal, unavailable } from './files/engine.ts'
import { freezeSession } from './files/freeze.ts'
import { createGate, closedError } from '../gate.ts'
import { findKnown } from './write/known.ts'
import {
  checkpointPart,
  maintainSession,
  walBytes,
  type MaintenanceMemory,
} from './files/maintain.ts'
import { isExact, scanExactLatency } from './scans/exact-latency.ts'
import { createFiles, createReader, type RunScan } from './scans/reader.ts'
import { createSessionHolder, type Session } from './files/session.ts'
import { withView } from './scans/view.ts'
import { writeBatch } from './write/write.ts'

export interface StoreParts {
  readonly options: StoreOptions
  readonly session: Session
  readonly settled: number
  /** Opens the files again after a fatal error; `journalLast` is the highest position they can hold. */
  readonly reopen: (journalLast: number) => Promise<Session>
  /** Called when everything is closed. */
  readonly released: () => void
}

/** Checkpoints of up to this much are quick enough for a shutdown. */
const CLOSE_WAL_BYTES = 32 * 1024 * 1024
/** How long a question under way may still run when the store closes. */
const CLOSE_GRACE_MS = 500
const INTERRUPT_EVERY_MS = 20

export function createDuckdbStore(given: StoreParts): Store {
  const { options } = given
  const { dir, clock } = options
  // The journal has grown since the store was opened.
  let journalLast = options.journalLast
  const holder = createSessionHolder(given.session, async () =>
    following(await given.reopen(journalLast)),
  )
  const gate = createGate(options.limits)
  const memory: MaintenanceMemory = { rolledAtNs: 0n, hourNs: 0n }
  let settled = given.settled
  let positions = positionsOf(given.session)
  let turn: Promise<unknown> = Promise.resolve()
  let running = 0
  let closing: Promise<void> | null = null
  following(given.session)

  const run: RunScan = (scanner, scan, signal) => {
    if (closing) return Promise.reject(closedError())
    return gate.run(
      (either) =>
        reading(either, (session, connection) =>
          withView(session, (view) => scanner({ view, connection }, scan)),
        ),
      signal,
    )
  }
  const exact: ExactLatency = {
    async exactLatency(scan, signal) {
      if (closing) throw closedError()
      // Looked up before the scan waits in the queue: the catalogue is in memory.
      const may = await holder.use(
        (session) => withView(session, async (view) => isExact(view, scan)),
        isFatal,
      )
      return may ? run(scanExactLatency, scan, signal) : null
    },
  }
  const writer: StoreWriter = {
    positions: () => positions,
    write: (batch) =>
      inTurn('write to the store', async (session) => {
        requireJournal(batch)
        // Before it is tried: a commit may be durable although it fails.
        journalLast = Math.max(journalLast, batch.toPosition)
        await writeBatch(session, batch, dir)
        session.lossTail.add(batch.readings, batch.toPosition)
        settled = Math.max(settled, batch.toPosition)
        positions = positionsOf(session)
        return { refused: [] }
      }),
    known: (identities) =>
      inTurn('look readings up in the store', (session) =>
        withView(session, (view) => findKnown(session.writer, view, identities)),
      ),
  }
  const upkeep: StoreUpkeep = {
    maintain: (nowNs) =>
      inTurn('maintain the store', async (session) => {
        const report = await maintainSession(session, nowNs, { ...options, memory, settled })
        positions = positionsOf(session)
        return report
      }),
    freeze: (into) =>
      inTurn('prepare the files of the store', (session) => freezeSession(session, dir, into)),
    close() {
      closing ??= close()
      return closing
    },
  }
  return { reader: createReader(run), exact, files: createFiles(run), writer, upkeep }

  /** Loss can be followed from the start where everything that is in the files is rolled up. */
  function following(session: Session): Session {
    const { figures, parts, lossTail } = session
    const isWhole = [...parts.values()].every(({ position }) => position <= settled)
    if (isWhole && figures.rolled === settled) lossTail.begin(settled)
    return session
  }

  function requireJournal({ journal }: StoreBatch): void {
    if (journal === options.journal) return
    throw new RangeError(`expected a batch of journal ${options.journal}, got one of ${journal}`)
  }

  /** Writes, look-ups and maintenance share a connection: they follow each other. */
  function inTurn<T>(doing: string, work: (session: Session) => Promise<T>): Promise<T> {
    if (closing) return Promise.reject(closedError())
    const isBug = (error: unknown) => error instanceof RangeError || error instanceof TypeError
    const mine = turn.then(async () => {
      try {
        return await holder.use(work, (error) => !isBug(error))
      } catch (error) {
        throw isBug(error) ? error : unavailable(doing, error)
      }
    })
    turn = mine.catch(() => undefined)
    return mine
  }

  /** A scan on a connection of its own, interrupted when the signal aborts. */
  async function reading<T>(
    signal: AbortSignal,
    work: (session: Session, connection: DuckDBConnection) => Promise<T>,
  ): Promise<T> {
    running += 1
    let timer: NodeJS.Timeout | undefined
    try {
      return await holder.use(async (session) => {
        const connection = await session.readers.take()
        const interrupt = () => {
          connection.interrupt()
          // An interrupt between two statements is lost: it is repeated until the work has ended.
          timer ??= setInterval(() => connection.interrupt(), INTERRUPT_EVERY_MS)
        }
        signal.addEventListener('abort', interrupt, { once: true })
        if (signal.aborted) interrupt()
        try {
          return await work(session, connection)
        } finally {
          signal.removeEventListener('abort', interrupt)
          clearInterval(timer)
          session.readers.give(connection)
        }
      }, isFatal)
    } catch (error) {
      throw explain(error, signal)
    } finally {
      running -= 1
    }
  }

  function explain(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason
    if (closing) return closedError()
    if (error instanceof PlatformError || error instanceof RangeError) return error
    return unavailable('answer from the store', error)
  }

  async function close(): Promise<void> {
    gate.close()
    await turn
    const deadline = clock.monoNs() + BigInt(CLOSE_GRACE_MS) * 1_000_000n
    while (running > 0 && clock.monoNs() < deadline) {
      await new Promise((resolve) => {
        setTimeout(resolve, INTERRUPT_EVERY_MS)
      })
    }
    await holder.close(finish)
    given.released()
  }

  async function finish(session: Session): Promise<void> {
    try {
      for (const part of session.parts.values()) {
        const quick = walBytes(part.path) <= CLOSE_WAL_BYTES
        if (part.dirtyFrom !== null && quick) await checkpointPart(session, part)
      }
    } catch (error) {
      options.log.warn(
        { err: error },
        'the store closes without a checkpoint; its WAL has the rest',
      )
    }
  }
}

function positionsOf({ parts }: Session): Readonly<Record<string, number>> {
  const positions: Record<string, number> = {}
  for (const { name, position } of parts.values()) if (position > 0) positions[name] = position
  return positions
}
