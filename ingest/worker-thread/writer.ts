import type { Clock } from '#lib/runtime/clock.ts'
import type { StoreWriter } from '#lib/store/store.ts'
import type { DeviceNotice } from '#lib/telemetry/intake.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { Cursor, JournalReader } from '../journal/journal.ts'
import type { CommitDeps } from '../pipeline/commit.ts'
import type { Outcome } from '../pipeline/outcome.ts'
import {
  judgeBatch,
  processBatch,
  type PipelineDeps,
  type PipelineOptions,
  type Retry,
} from '../pipeline/process-batch.ts'
import type { StoreDeps } from '../pipeline/store.ts'
import type { ThrottledNotices } from '../rejections/throttled-notices.ts'
import { createIntakeState } from '../state/intake-state.ts'
import { slicesOf } from './batch-slices.ts'
import { GivenUp, type StoreRetry } from './store-retry.ts'

interface WriterDeps extends PipelineDeps, StoreDeps, CommitDeps {
  readonly store: StoreWriter
  readonly reader: JournalReader
  readonly notices: ThrottledNotices
  readonly retry: StoreRetry
  readonly clock: Clock
  /** Hears of all messages that are read from the journal. */
  onRead(messages: readonly JournaledMessage[]): void
}

export interface WriterOptions extends PipelineOptions {
  /** Journal bytes per batch at most. */
  readonly batchBytes: number
}

/** A batch that is stored: for metrics, notices, replays and viewers. */
export interface Written {
  readonly outcome: Outcome
  readonly cursor: Cursor
  readonly lastReceivedAtNs: bigint
  readonly notices: readonly DeviceNotice[]
  readonly rejectedByReason: Readonly<Record<string, number>>
}

/** Takes journal records to the store, in order, batch by batch, and never past a failure. */
export class Writer {
  readonly #deps: WriterDeps
  readonly #options: WriterOptions
  readonly #retry: Retry
  #cursor: Cursor

  constructor(deps: WriterDeps, options: WriterOptions, start: Cursor) {
    this.#deps = deps
    this.#options = options
    this.#retry = (step) => deps.retry.run(step)
    this.#cursor = start
  }

  /** Everything before it is in the store. */
  get cursor(): Cursor {
    return this.#cursor
  }

  /** Writes up to a place; calls `onWritten` after each batch. Stops early when closed. */
  async writeTo(target: Cursor, onWritten: (written: Written) => void): Promise<void> {
    while (this.#cursor.position < target.position && !this.#deps.retry.isClosed) {
      const { messages, next } = this.#read(this.#cursor, target)
      // Only unreadable records up to the target: the reader has reported them.
      if (messages.length === 0 && isSamePlace(this.#cursor, next)) return
      for (const { messages: part, cursor } of slicesOf(messages, { from: this.#cursor, next })) {
        const batch = { messages: part, toPosition: cursor.position }
        const outcome = await unlessGivenUp(
          processBatch(batch, this.#deps, this.#options, this.#retry),
        )
        if (!outcome) return
        this.#cursor = cursor
        onWritten(this.#report(outcome, part.at(-1)))
      }
    }
  }

  /**
   * Writes rows again that the store had and lost (a quarantined WAL), from a position up to the
   * cursor. Counts, rejections and last values are right already and stay untouched. Returns how
   * many rows were derived again.
   */
  async rebuild(fromPosition: number): Promise<number> {
    const { state: kept, retry } = this.#deps
    let at = this.#deps.reader.seek(fromPosition - 1)
    let rows = 0
    // Duplicates are found by the store's earlier rows and by this very run.
    const state = createIntakeState()
    // A snapshot of half of it would take the other half for stored.
    kept.isCommitted = false
    while (at.position < this.#cursor.position && !retry.isClosed) {
      const { messages, next } = this.#read(at, this.#cursor)
      if (isSamePlace(at, next)) break
      for (const { messages: part, cursor } of slicesOf(messages, { from: at, next })) {
        const derive = () =>
          judgeBatch(state, part, this.#deps, { ...this.#options, lookUpAll: true })
        const written = await unlessGivenUp(this.#writeAgain(derive, cursor.position))
        if (written === null) return rows
        rows += written
      }
      at = next
    }
    kept.isCommitted = !retry.isClosed
    return rows
  }

  /** No new attempt is begun; a batch under way is given up and read again at the next start. */
  close(): void {
    this.#deps.retry.close()
  }

  async #writeAgain(derive: () => Promise<Outcome>, toPosition: number): Promise<number> {
    const { journal, store } = this.#deps
    const { readings } = await this.#retry(derive)
    await this.#retry(() => store.write({ journal, toPosition, readings }))
    return readings.length
  }

  #read(from: Cursor, to: Cursor) {
    const read = this.#deps.reader.read(from, to, this.#options.batchBytes)
    this.#deps.onRead(read.messages)
    return read
  }

  #report(outcome: Outcome, last: JournaledMessage | undefined): Written {
    const { notices, clock } = this.#deps
    return {
      outcome,
      cursor: this.#cursor,
      lastReceivedAtNs: last?.receivedAtNs ?? 0n,
      notices: notices.from(outcome.rejected, clock.nowNs()),
      rejectedByReason: countReasons(outcome),
    }
  }
}

function countReasons({ rejected }: Outcome): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { message, refused, whole } of rejected) {
    const reason = refused[0]?.reason
    if (!whole || !reason || message.origin) continue
    counts[reason] = (counts[reason] ?? 0) + 1
  }
  return counts
}

async function unlessGivenUp<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (error instanceof GivenUp) return null
    throw error
  }
}

function isSamePlace(a: Cursor, b: Cursor): boolean {
  return a.position === b.position && a.segment === b.segment && a.offset === b.offset
}
