import type { StoreOptions } from '../options.ts'
import { Admission, closedError } from '../admission.ts'
import { positionsOf } from '../positions.ts'
import { Serial } from '../serial.ts'
import type {
  ExactLatency,
  Identity,
  Known,
  MaintenanceReport,
  ReadingsFiles,
  Store,
  StoreBatch,
  StoreReader,
  StoreUpkeep,
  StoreWriter,
  WriteReport,
} from '../store.ts'
import { unavailable } from './files/engine.ts'
import { freezeSession } from './files/freeze.ts'
import {
  checkpointPart,
  maintainSession,
  walBytes,
  type MaintenanceMemory,
} from './files/maintain.ts'
import { SessionHolder } from './files/session-holder.ts'
import type { Session } from './files/session.ts'
import { isExact, scanExactLatency } from './scans/exact-latency.ts'
import { createFiles, createReader } from './scans/reader.ts'
import { ScanRunner } from './scans/scan-runner.ts'
import { withView } from './scans/view.ts'
import { findKnown } from './write/known.ts'
import { writeBatch } from './write/write.ts'

export interface DuckdbStoreParts {
  readonly options: StoreOptions
  readonly session: Session
  /** Every row at or below this position is in its file. */
  readonly committed: number
  /** Opens the files again after a fatal error; `journalLast` is the highest position they can hold. */
  readonly reopen: (journalLast: number) => Promise<Session>
  /** Called when everything is closed. */
  readonly released: () => void
}

/** Checkpoints of up to this much are quick enough for a shutdown. */
const CLOSE_WAL_BYTES = 32 * 1024 * 1024

export class DuckdbStore implements Store {
  readonly reader: StoreReader
  readonly exact: ExactLatency
  readonly files: ReadingsFiles
  readonly writer: StoreWriter = {
    positions: () => this.#positions,
    write: (batch) => this.#write(batch),
    known: (identities) => this.#known(identities),
  }
  readonly upkeep: StoreUpkeep = {
    maintain: (nowNs, expiryNs = nowNs) => this.#maintain(nowNs, expiryNs),
    freeze: (into) =>
      this.#serially('prepare the files of the store', (session) =>
        freezeSession(session, this.#options.dir, into),
      ),
    warnings: () => [],
    close: () => (this.#closing ??= this.#close()),
  }

  readonly #options: StoreOptions
  readonly #released: () => void
  readonly #holder: SessionHolder
  readonly #scans: ScanRunner
  /** Writes, look-ups and maintenance share a connection. */
  readonly #serial = new Serial()
  readonly #memory: MaintenanceMemory = { rolledAtNs: 0n, hourNs: 0n }
  /** Highest position that the files can hold: the journal has grown since the store was opened. */
  #journalLast: number
  #committed: number
  #positions: Readonly<Record<string, number>>
  #closing: Promise<void> | null = null

  constructor({ options, session, committed, reopen, released }: DuckdbStoreParts) {
    this.#options = options
    this.#released = released
    this.#journalLast = options.journalLast
    this.#committed = committed
    this.#positions = positionsOf(session.parts)
    this.#followLoss(session)
    this.#holder = new SessionHolder(session, async () => {
      const opened = await reopen(this.#journalLast)
      this.#followLoss(opened)
      return opened
    })
    const scans = new ScanRunner(this.#holder, new Admission(options.limits), options.clock)
    this.#scans = scans
    this.reader = createReader((scanner, scan, signal) => scans.run(scanner, scan, signal))
    this.files = createFiles((scanner, scan, signal) => scans.run(scanner, scan, signal))
    this.exact = {
      exactLatency: async (scan, signal) =>
        (await scans.peek((view) => isExact(view, scan)))
          ? scans.run(scanExactLatency, scan, signal)
          : null,
    }
  }

  /** Loss can be followed from the start where everything that is in the files is rolled up. */
  #followLoss({ figures, parts, lossTail }: Session): void {
    const committed = this.#committed
    const isWhole = [...parts.values()].every(({ position }) => position <= committed)
    if (isWhole && figures.rolled === committed) lossTail.begin(committed)
  }

  #write(batch: StoreBatch): Promise<WriteReport> {
    return this.#serially('write to the store', async (session) => {
      requireJournal(batch, this.#options.journal)
      // Before it is tried: a commit may be durable although it fails.
      this.#journalLast = Math.max(this.#journalLast, batch.toPosition)
      await writeBatch(session, batch, this.#options.dir)
      session.lossTail.add(batch.readings, batch.toPosition)
      this.#committed = Math.max(this.#committed, batch.toPosition)
      this.#positions = positionsOf(session.parts)
      return { refused: [] }
    })
  }

  #known(identities: readonly Identity[]): Promise<readonly Known[]> {
    return this.#serially('look readings up in the store', (session) =>
      withView(session, (view) => findKnown(session.writer, view, identities)),
    )
  }

  #maintain(nowNs: bigint, expiryNs: bigint | null): Promise<MaintenanceReport> {
    return this.#serially('maintain the store', async (session) => {
      const report = await maintainSession(session, nowNs, {
        ...this.#options,
        memory: this.#memory,
        committed: this.#committed,
        expiryNs,
      })
      this.#positions = positionsOf(session.parts)
      return report
    })
  }

  #serially<T>(doing: string, work: (session: Session) => Promise<T>): Promise<T> {
    if (this.#closing) return Promise.reject(closedError())
    const isBug = (error: unknown) => error instanceof RangeError || error instanceof TypeError
    return this.#serial.run(async () => {
      try {
        return await this.#holder.use(work, (error) => !isBug(error))
      } catch (error) {
        throw isBug(error) ? error : unavailable(doing, error)
      }
    })
  }

  async #close(): Promise<void> {
    const scans = this.#scans.close()
    await this.#serial.done()
    await scans
    await this.#holder.close((session) => this.#checkpoint(session))
    this.#released()
  }

  async #checkpoint(session: Session): Promise<void> {
    try {
      for (const part of session.parts.values()) {
        const quick = walBytes(part.path) <= CLOSE_WAL_BYTES
        if (part.dirtyFrom !== null && quick) await checkpointPart(session, part)
      }
    } catch (error) {
      this.#options.log.warn(
        { err: error },
        'the store closes without a checkpoint; its WAL has the rest',
      )
    }
  }
}

function requireJournal({ journal }: StoreBatch, expected: string): void {
  if (journal === expected) return
  throw new RangeError(`expected a batch of journal ${expected}, got one of ${journal}`)
}
