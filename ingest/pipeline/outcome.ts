import type { FullId } from '#lib/telemetry/ids.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import type { RefusedElement } from '../formats/format.ts'
import type { ParsedMessage } from './parse.ts'
import type { Recovery, RefusedReplay, RejectedMessage } from '../rejections/rejected-message.ts'

/** Journal records in their order, and the last position they cover. */
export interface Batch {
  readonly messages: readonly JournaledMessage[]
  readonly toPosition: number
}

/** How a replay ended: its element was stored, refused again, or known already. */
export type ReplayResult = 'recovered' | 'again' | 'duplicate'

/** What became of the elements of one message. */
export interface JudgedMessage {
  readonly readings: readonly Reading[]
  readonly refused: readonly RefusedElement[]
  readonly duplicates: number
  readonly late: boolean
}

/** A replay as it was judged, and how it moved the counts of the device that its message was first counted for. */
export interface CountedReplay {
  readonly parsed: ParsedMessage
  readonly judged: JudgedMessage
  readonly device: FullId
  readonly moved: Move
}

export type Move = Readonly<
  Partial<Record<'stored' | 'rejected' | 'duplicate' | 'partial', number>>
>

/** The result of a batch of journal records; filled while its messages are judged. */
export interface Outcome {
  readonly readings: Reading[]
  readonly rejected: RejectedMessage[]
  readonly recovered: Recovery[]
  /** Replays in their order, to be counted again where the store refuses some of their readings. */
  readonly replayed: CountedReplay[]
  readonly refusedReplays: RefusedReplay[]
  /** How replays ended, by the position of their own record. */
  readonly replays: Map<number, ReplayResult>
  readonly counts: { stored: number; duplicate: number; rejected: number }
}

export function createOutcome(): Outcome {
  return {
    readings: [],
    rejected: [],
    recovered: [],
    replayed: [],
    refusedReplays: [],
    replays: new Map(),
    counts: { stored: 0, duplicate: 0, rejected: 0 },
  }
}
