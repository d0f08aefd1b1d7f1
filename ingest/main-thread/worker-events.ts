import { decodeError } from '#lib/runtime/encoding/error-codec.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { DeviceNotice } from '#lib/telemetry/intake.ts'
import type { Journal } from '../journal/journal.ts'
import type { FromWorker } from '../thread-messages.ts'
import type { HandOver } from './hand-over.ts'
import type { LiveHub } from './live-hub.ts'
import type { Replay } from './replay-run.ts'

/** What became of the messages of a batch: each is counted exactly once. */
export interface BatchCounts {
  readonly stored: number
  readonly duplicate: number
  readonly rejectedByReason: Readonly<Record<string, number>>
}

export interface IngestEvents {
  /** Rejections for the `errors` topics of devices. */
  notices(notices: readonly DeviceNotice[]): void
  /** A batch is in the store. */
  committed(counts: BatchCounts): void
  /** Messages that one group commit made durable. */
  accepted(messages: number): void
  /** The ingest worker cannot go on: the platform has to stop. */
  fatal(error: Error): void
}

/** How the worker gets on, as it reported last. */
export interface Progress {
  /** Everything at or below this position is in the store. */
  written: number
  /** Receive time of the last message that was written. */
  lastReceivedAtNs: bigint
  /** Since when there has been anything to write at all. */
  waitingSinceNs: bigint
  /** Why the store cannot be written; '' when it can. */
  problem: string
  /** What the store wants somebody to look at. */
  warnings: readonly string[]
  silentRobots: number
  /** Stored messages whose figures are not derived yet. */
  figuresBehind: number
}

interface WorkerEventDeps {
  readonly progress: Progress
  readonly journal: Pick<Journal, 'release'>
  readonly handOver: HandOver
  readonly replay: Replay
  readonly live: LiveHub
  readonly events: IngestEvents
  readonly log: Log
}

/** Applies a message of the worker. */
export function handleFromWorker(message: FromWorker, deps: WorkerEventDeps): void {
  const { progress, journal, handOver, live, events, log } = deps
  switch (message.type) {
    case 'written':
      return handleWritten(message, deps)
    case 'live':
      return live.publish(message.batch)
    case 'idle':
      return handOver.onIdle()
    case 'maintained':
      progress.figuresBehind = message.behind
      return journal.release(message.release)
    case 'problem':
      progress.problem = message.text
      return
    case 'warnings':
      progress.warnings = message.texts
      return
    case 'silent':
      progress.silentRobots = message.robots
      return
    case 'failed': {
      const { error } = message
      log.error({ code: error.code }, error.message)
      return events.fatal(decodeError(error))
    }
    case 'ready':
  }
}

function handleWritten(
  message: FromWorker & { readonly type: 'written' },
  { progress, replay, events }: WorkerEventDeps,
): void {
  const { position, lastReceivedAtNs, counts, rejectedByReason, notices, replays } = message
  progress.written = position
  progress.lastReceivedAtNs = lastReceivedAtNs
  const { stored, duplicate } = counts
  events.committed({ stored, duplicate, rejectedByReason })
  if (notices.length > 0) events.notices(notices)
  replay.finish(replays)
}
