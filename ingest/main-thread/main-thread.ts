import type { Worker } from 'node:worker_threads'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import { createCaller, serveCalls, type Caller } from '#lib/runtime/threads/rpc.ts'
import type { WantedSubDevice } from '#lib/registry/sub-devices.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import { Backups, type BackupOptions } from '../backup/backups.ts'
import type { Journal } from '../journal/journal.ts'
import { StageClock } from '../state/stage-clock.ts'
import type { FromWorker, ToWorker } from '../thread-messages.ts'
import type { Accepted } from './accepted.ts'
import { ClockCheck, type ClockCheckOptions } from './clock-check.ts'
import { DeviceNotes } from './device-notes.ts'
import { HandOver } from './hand-over.ts'
import { createIngestPort, ingestStatus } from './ingest-port.ts'
import { JournalIntake } from './journal-intake.ts'
import { LiveHub } from './live-hub.ts'
import { Replay } from './replay-run.ts'
import { handleFromWorker, type IngestEvents, type Progress } from './worker-events.ts'

/** What the ingest role needs of the rest of the process. */
export interface IngestHooks {
  /**
   * The registry is written where it is open: on this thread (`lib/registry/sub-devices.ts`).
   * The worker hears of what is created by `registryChanged`, before this returns.
   */
  readonly createSubDevices?: (wanted: readonly WantedSubDevice[]) => void
  /** Whose a foreign topic is now; null while it is nobody's. */
  readonly ownerOf?: (topic: string) => FullId | null
  /** Why no messages come to the intake; '' when they can. */
  readonly inletProblem?: () => string
}

interface MainThreadParts {
  readonly worker: Worker
  readonly journal: Journal
  readonly accepted: Accepted
  readonly events: IngestEvents
  readonly clock: Clock
  readonly log: Log
  readonly hooks: IngestHooks
  readonly batchMs: number
  readonly backups: BackupOptions
  readonly clockCheck: ClockCheckOptions
  /** Position that was saved by the last run. */
  readonly written: number
  /** When the first message after it came. */
  readonly waitingSinceNs: bigint
}

/** Connects journal and worker, and what others use of both. */
export function composeMainThread(parts: MainThreadParts) {
  const { worker, journal, accepted, events, clock, log, hooks } = parts
  const caller = createCaller(worker)
  serveCalls(worker, {
    createSubDevices: (wanted: readonly WantedSubDevice[]) => hooks.createSubDevices?.(wanted),
    acceptedCounts: () => accepted.counts(),
  })
  const { written, waitingSinceNs } = parts
  const progress = newProgress(written, waitingSinceNs)
  const notes = new DeviceNotes()
  const stages = new StageClock()
  const post = (message: ToWorker) => worker.postMessage(message)
  const onDoubt = (isDoubtful: boolean) => {
    journal.keepOld(isDoubtful)
    post({ type: 'clock', isDoubtful })
  }
  const clockCheck = new ClockCheck({ clock, log, onDoubt }, parts.clockCheck)
  onDoubt(clockCheck.isDoubtful)
  const handOver = new HandOver({ journal, notes, stages, clock, post }, parts.batchMs)
  const onAccepted = (messages: number) => events.accepted(messages)
  const intakeDeps = { journal, accepted, notes, stages, handOver, clock, onAccepted }
  const intake = new JournalIntake(intakeDeps)
  const replay = new Replay({ journal, caller, clock, ...hooks })
  const live = new LiveHub({ journal: journal.id, caller, progress, log })
  const problem = () => progress.problem
  const backups = new Backups({ ...parts.backups, journal, caller, problem, clock, log })
  followJournal({ journal, progress, intake, handOver, clock, post })
  const isClosing = followWorker(worker, events, (message) =>
    handleFromWorker(message, { progress, journal, handOver, replay, live, events, log }),
  )
  handOver.wake()
  const inletProblem = () => hooks.inletProblem?.() ?? ''
  const warnings = () => [clockCheck.warning, ...progress.warnings]
  const statusParts = { journal, progress, inletProblem, warnings, clock }
  return {
    intake,
    port: createIngestPort({ ...statusParts, caller, replay }),
    live,
    backups,
    journal,
    status: () => ingestStatus(statusParts),
    silentRobots: () => progress.silentRobots,
    figuresBehind: () => progress.figuresBehind,
    isClockDoubtful: () => clockCheck.isDoubtful,
    registryChanged: () => post({ type: 'registry' }),
    async close() {
      clockCheck.close()
      await journal.close()
      // One more round, so that what was flushed is also stored when the store is well.
      handOver.close()
      isClosing()
      await closeWorker(worker, caller)
    },
  }
}

function newProgress(written: number, waitingSinceNs: bigint): Progress {
  const none = {
    lastReceivedAtNs: 0n,
    problem: '',
    warnings: [],
    silentRobots: 0,
    figuresBehind: 0,
  }
  return { written, waitingSinceNs, ...none }
}

interface JournalFollowers {
  readonly journal: Journal
  readonly progress: Progress
  readonly intake: JournalIntake
  readonly handOver: HandOver
  readonly clock: Clock
  readonly post: (message: ToWorker) => void
}

function followJournal(followers: JournalFollowers): void {
  const { journal, progress, intake, handOver, clock, post } = followers
  let durablePosition = journal.durable.position
  journal.onDurable(() => {
    // The writer had everything: what is durable now is the first that waits.
    if (progress.written >= durablePosition) progress.waitingSinceNs = clock.nowNs()
    durablePosition = journal.durable.position
    intake.endGroup()
    handOver.wake()
  })
  journal.onPausedChange((paused) => post({ type: 'paused', paused }))
}

/** The result is called when the worker is going to be ended. */
function followWorker(
  worker: Worker,
  events: IngestEvents,
  onMessage: (message: FromWorker) => void,
): () => void {
  let isClosing = false
  worker.on('message', onMessage)
  worker.on('error', (error: Error) => events.fatal(error))
  worker.on('exit', (code) => {
    if (!isClosing) events.fatal(new Error(`the ingest worker ended with code ${code}`))
  })
  return () => {
    isClosing = true
  }
}

async function closeWorker(worker: Worker, caller: Caller): Promise<void> {
  await caller.call('close', null)
  caller.close()
  await worker.terminate()
}
