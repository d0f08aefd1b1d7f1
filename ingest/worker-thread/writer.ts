import { createBackoff } from '#lib/runtime/back-off.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import { isPlatformError, messageOf } from '#lib/runtime/errors.ts'
import { createRandom } from '#lib/runtime/random.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { StoreWriter } from '#lib/store/store.ts'
import type { DeviceNotice } from '#lib/telemetry/intake.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { Cursor, JournalReader } from '../journal/journal.ts'
import type { NoticeBoard } from '../rejections/throttled-notices.ts'
import {
  runPipeline,
  type Outcome,
  type PipelineDeps,
  type PipelineOptions,
} from '../pipeline/pipeline.ts'
import type { RejectionBook } from '../rejections/rejection-log.ts'
import { withoutRefused } from '../pipeline/store-refusals.ts'
import type { StageClock } from '../state/stage-clock.ts'
import { createIntakeState, showCounts, type IntakeState } from '../state/intake-state.ts'

export interface WriterDeps {
  readonly journal: string
  readonly reader: JournalReader
  readonly state: IntakeState
  readonly store: StoreWriter
  readonly rejections: RejectionBook
  readonly notices: NoticeBoard
  readonly stages: StageClock
  readonly clock: Clock
  readonly log: Log
  device: PipelineDeps['device']
  secretOf?: PipelineDeps['secretOf']
  createSubDevices?: PipelineDeps['createSubDevices']
  pseudonym?: PipelineDeps['pseudonym']
  /** Waits; tests turn the clock instead. */
  pause(ms: number): Promise<void>
  /** Told whenever the store begins or ends to refuse; '' is well again. */
  problem(text: string): void
}

export interface WriterOptions extends PipelineOptions {
  /** Journal bytes per batch at most. */
  readonly batchBytes: number
}

/** What happened up to a position: for metrics, notices and replays. */
export interface Written {
  /** Everything of the batch: for those who watch. */
  readonly outcome: Outcome
  readonly cursor: Cursor
  readonly lastReceivedAtNs: bigint
  readonly notices: readonly DeviceNotice[]
  readonly replays: Outcome['replays']
  readonly counts: Outcome['counts']
  readonly rejectedByReason: Readonly<Record<string, number>>
}

/** Takes journal records to the store, in order, batch by batch, and never past a failure. */
export interface Writer {
  readonly cursor: Cursor
  /** The state stands exactly at the cursor: it may be saved. */
  readonly settled: boolean
  /** Writes up to the cursor; calls `onWritten` after each batch. Stops early when closed. */
  writeTo(target: Cursor, onWritten: (written: Written) => void): Promise<void>
  /**
   * Writes rows again that the store had and lost (a quarantined WAL), from a position up to where
   * the state stands. Counts, rejections and last values are right already and stay untouched.
   * Answers how many rows were derived again.
   */
  rebuild(fromPosition: number): Promise<number>
  /** No new attempt is begun; a batch under way is given up and read again at the next start. */
  close(): void
}

/** Between attempts of the same step. */
const RETRY = { firstMs: 100, maxMs: 5000 }
/** The writer was closed while a step was tried again and again. */
const GIVEN_UP = Symbol('given up')

export function createWriter(deps: WriterDeps, options: WriterOptions, start: Cursor): Writer {
  const backoff = createBackoff({
    ...RETRY,
    random: createRandom(Number(deps.clock.nowNs() % 2n ** 48n)),
  })
  let cursor = start
  let settled = true
  let closed = false
  const pipelineDeps: PipelineDeps = {
    device: deps.device,
    ...(deps.secretOf ? { secretOf: deps.secretOf } : {}),
    ...(deps.createSubDevices ? { createSubDevices: deps.createSubDevices } : {}),
    ...(deps.pseudonym ? { pseudonym: deps.pseudonym } : {}),
    known: (identities) => deps.store.known(identities),
    standing: (origin, position) => deps.rejections.standing(origin, position),
    decided: (position) => deps.rejections.decided(position),
  }

  return {
    get cursor() {
      return cursor
    },
    get settled() {
      return settled
    },
    async writeTo(target, onWritten) {
      while (cursor.position < target.position && !closed) {
        const { messages, next } = deps.reader.read(cursor, target, options.batchBytes)
        // Only unreadable records up to the target: the reader has reported them.
        if (messages.length === 0 && isSamePlace(cursor, next)) return
        const outcome = await settleBatch(messages, next.position)
        if (outcome === GIVEN_UP) return
        cursor = next
        onWritten(report(outcome, cursor, messages.at(-1)))
      }
    },
    async rebuild(fromPosition) {
      // A state of its own: duplicates are told by the store's earlier rows and by this very run.
      const state = createIntakeState()
      let at = deps.reader.seek(fromPosition - 1)
      let rows = 0
      // A snapshot of half of it would take the other half for stored.
      settled = false
      while (at.position < cursor.position && !closed) {
        const { messages, next } = deps.reader.read(at, cursor, options.batchBytes)
        if (isSamePlace(at, next)) break
        const derive = () =>
          runPipeline(state, messages, pipelineDeps, { ...options, lookUpAll: true })
        const outcome = await untilDone(derive)
        if (outcome === GIVEN_UP) return rows
        const { readings } = outcome
        const batch = { journal: deps.journal, toPosition: next.position, readings }
        if ((await untilDone(() => deps.store.write(batch))) === GIVEN_UP) return rows
        rows += readings.length
        at = next
      }
      settled = !closed
      return rows
    },
    close() {
      closed = true
    },
  }

  /**
   * Three steps, each repeated by itself until it works: after the first one the state has moved,
   * so the same rows and rejections are written however long that takes.
   */
  async function settleBatch(
    messages: readonly JournaledMessage[],
    toPosition: number,
  ): Promise<Outcome | typeof GIVEN_UP> {
    const judged = await untilDone(() => runPipeline(deps.state, messages, pipelineDeps, options))
    if (judged === GIVEN_UP) return GIVEN_UP
    settled = false
    const batch = { journal: deps.journal, toPosition, readings: judged.readings }
    const written = await untilDone(() => deps.store.write(batch))
    if (written === GIVEN_UP) return GIVEN_UP
    const outcome = withoutRefused(judged, written.refused, { state: deps.state, messages })
    const keep = async () =>
      deps.rejections.record(outcome.rejected, outcome.recovered, outcome.again)
    if ((await untilDone(keep)) === GIVEN_UP) return GIVEN_UP
    settled = true
    const changed = new Set(outcome.moved)
    for (const { device } of messages) changed.add(device)
    for (const { device } of outcome.readings) changed.add(device)
    showCounts(deps.state, changed)
    const nowNs = deps.clock.nowNs()
    const count = deps.stages.at('stored', nowNs)
    for (const { receivedAtNs, origin } of messages) {
      if (!origin) count(Number(nowNs - receivedAtNs) / 1e6)
    }
    return outcome
  }

  function report(outcome: Outcome, at: Cursor, last: JournaledMessage | undefined): Written {
    const rejectedByReason: Record<string, number> = {}
    for (const { message, refused, whole } of outcome.rejected) {
      const reason = refused[0]?.reason
      if (!whole || !reason || message.origin) continue
      rejectedByReason[reason] = (rejectedByReason[reason] ?? 0) + 1
    }
    return {
      outcome,
      cursor: at,
      lastReceivedAtNs: last?.receivedAtNs ?? 0n,
      notices: deps.notices.from(outcome.rejected, deps.clock.nowNs()),
      replays: outcome.replays,
      counts: outcome.counts,
      rejectedByReason,
    }
  }

  /** Repeats a step until it works or the writer closes; says once that and why it waits. */
  async function untilDone<T>(step: () => Promise<T>): Promise<T | typeof GIVEN_UP> {
    backoff.reset()
    for (;;) {
      try {
        const done = await step()
        const { attempts } = backoff
        if (attempts > 0) {
          deps.problem('')
          deps.log.info({ attempts }, 'the store takes readings again')
        }
        return done
      } catch (error) {
        if (isPlatformError(error, 'STORE_AHEAD')) throw error
        if (backoff.attempts === 0) {
          deps.problem(`the store cannot be written: ${messageOf(error)}`)
          deps.log.error(
            { err: error },
            'the store cannot be written; the journal keeps everything',
          )
        }
        if (!closed) await deps.pause(backoff.next())
        if (closed) return GIVEN_UP
      }
    }
  }
}

function isSamePlace(a: Cursor, b: Cursor): boolean {
  return a.position === b.position && a.segment === b.segment && a.offset === b.offset
}
