import type { EncodedError } from '#lib/runtime/encoding/error-codec.ts'
import type { DeviceNotice } from '#lib/telemetry/intake.ts'
import type { LiveBatch } from '#lib/telemetry/live.ts'
import type { Durable } from './journal/journal.ts'
import type { Notes } from './main-thread/device-notes.ts'
import type { Outcome } from './pipeline/outcome.ts'
import type { StageCount } from './state/stage-clock.ts'

/** From the main thread to the ingest worker. */
export type ToWorker =
  | ({
      readonly type: 'durable'
      readonly durable: Durable
      readonly stages: readonly StageCount[]
    } & Notes)
  | { readonly type: 'registry' }
  /** Whether the platform has stopped reading from publishers. */
  | { readonly type: 'paused'; readonly paused: boolean }
  /** Whether the clock is in doubt: nothing may be dropped for its age. */
  | { readonly type: 'clock'; readonly isDoubtful: boolean }

/** From the worker to the main thread. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly error: EncodedError }
  | {
      readonly type: 'written'
      readonly position: number
      readonly lastReceivedAtNs: bigint
      readonly notices: readonly DeviceNotice[]
      readonly replays: Outcome['replays']
      readonly counts: Outcome['counts']
      readonly rejectedByReason: Readonly<Record<string, number>>
    }
  /** The part of a batch that somebody watches; comes before its `written`. */
  | { readonly type: 'live'; readonly batch: LiveBatch }
  /** Everything given with the last `durable` is done. */
  | { readonly type: 'idle' }
  /** The journal may remove what is at or below `release`; the figures of `behind` messages are due. */
  | { readonly type: 'maintained'; readonly release: number; readonly behind: number }
  | { readonly type: 'problem'; readonly text: string }
  /** What somebody should look at although all works; as of the last round of upkeep. */
  | { readonly type: 'warnings'; readonly texts: readonly string[] }
  /** How many robots are ONLINE and send no `state`. */
  | { readonly type: 'silent'; readonly robots: number }
