import type { EncodedError } from '#lib/runtime/error-codec.ts'
import type { ClientCertificate, ClockSample, DeviceNotice } from '#lib/telemetry/intake.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { LiveBatch } from '#lib/telemetry/live.ts'
import type { Durable } from './journal/journal.ts'
import type { StageCount } from './state/ingest-db.ts'
import type { WorkerOptions } from './ingest-options.ts'

/** From the main thread to the ingest worker. */
export type ToWorker =
  | {
      readonly type: 'durable'
      readonly durable: Durable
      readonly commands: readonly (readonly [FullId, number])[]
      readonly clocks: readonly (readonly [FullId, ClockSample])[]
      readonly certificates: readonly (readonly [FullId, ClientCertificate | null])[]
      readonly stages: readonly StageCount[]
    }
  | { readonly type: 'registry' }
  /** Whether the platform has stopped reading from publishers. */
  | { readonly type: 'paused'; readonly paused: boolean }

/** From the worker to the main thread. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly error: EncodedError }
  | {
      readonly type: 'written'
      readonly position: number
      readonly lastReceivedAtNs: bigint
      readonly notices: readonly DeviceNotice[]
      readonly replays: ReadonlyMap<number, 'recovered' | 'again' | 'duplicate'>
      readonly counts: {
        readonly stored: number
        readonly duplicate: number
        readonly rejected: number
      }
      readonly rejectedByReason: Readonly<Record<string, number>>
    }
  /** What somebody watches of a batch; comes before its `written`. */
  | { readonly type: 'live'; readonly batch: LiveBatch }
  /** Everything given with the last `durable` is done. */
  | { readonly type: 'idle' }
  /** The journal may forget what lies at or below `release`; the figures of `behind` messages are due. */
  | { readonly type: 'maintained'; readonly release: number; readonly behind: number }
  | { readonly type: 'problem'; readonly text: string }
  /** How many robots are ONLINE and send no `state`. */
  | { readonly type: 'silent'; readonly robots: number }

export type { WorkerOptions }
