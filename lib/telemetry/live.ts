import type { Kind } from './catalogue.ts'
import type { FullId } from './ids.ts'
import type { RejectionRow } from './rejection.ts'
import type { ReadingRow } from './reading.ts'
import { type Scope, inScope } from './scope.ts'

/**
 * What people watch while it happens. Events leave the ingest role only after their batch is in the
 * store, so what was shown can be asked for, and a viewer that was away reads what it missed there.
 */
export type LiveEvent =
  | { readonly type: 'reading'; readonly place: LivePlace; readonly row: ReadingRow }
  | { readonly type: 'rejection'; readonly place: LivePlace; readonly row: RejectionRow }

/**
 * A robot of VDA 5050 that is ONLINE and sends no `state`: told when that begins and when it ends.
 * No message brings it, so it has no place, and whoever comes back is not told again: the findings
 * of the device say whether it lasts.
 */
export interface SilenceEvent {
  readonly type: 'silence'
  readonly row: SilenceRow
}

export interface SilenceRow {
  readonly device: FullId
  /** Where `state` is missed; null when none was ever heard on the native topics of the device. */
  readonly topic: string | null
  /** The last `state`, the beginning of ONLINE or the start of the intake, whichever came last. */
  readonly sinceNs: bigint
  readonly limitS: number
  /** Null while it lasts. `by` says what ended it. */
  readonly ended: { readonly atNs: bigint; readonly by: 'state' | 'connection' } | null
}

/**
 * Where an event stands. Within a message its rejections come first, by item, then its readings, by
 * index: so no two events share a place, and a message has an end, whatever it holds.
 */
export interface LivePlace {
  readonly position: number
  readonly rejection: boolean
  /** Of a reading its index; of a rejection its item + 1, as in the id of the rejection. */
  readonly index: number
}

/** What a viewer may see and wants to; null wants none of that sort. */
export interface LiveInterest {
  readonly readings: Scope | null
  readonly rejections: Scope | null
}

/** What somebody wants of one batch of the writer. */
export interface LiveBatch {
  /** Everything up to here is in the store and, where wanted, in this batch or an earlier one. */
  readonly position: number
  /** In the order of their places. */
  readonly events: readonly LiveEvent[]
  /** Older events of this batch that were too many; 0 when the batch is whole. */
  readonly dropped: number
  /** Begins and ends of silence, for those who may see rejections of the device. */
  readonly silences?: readonly SilenceEvent[]
}

export interface LiveSubscription {
  /**
   * From which position on the listener hears everything: what stands at or below it must be asked
   * of the store. Rejects with CLOSED.
   */
  readonly from: Promise<number>
  /** The listener is not called any more. */
  close(): void
}

/** The port between API and ingest for what happens now. Costs nothing while nobody listens. */
export interface LiveFeed {
  /** UUID of the journal that the positions belong to. */
  readonly journal: string
  /** Events up to here were given to the listeners that wanted them. */
  readonly position: number
  join(interest: LiveInterest, listener: (batch: LiveBatch) => void): LiveSubscription
}

/** Whether an event lies in what somebody wants to see. */
export function isWatched(
  { readings, rejections }: LiveInterest,
  event: LiveEvent | SilenceEvent,
): boolean {
  const { device } = event.row
  return event.type === 'reading'
    ? isIn(readings, device, event.row.kind)
    : isIn(rejections, device)
}

/** Rejections have no kind. */
export function isIn(scope: Scope | null, device: FullId, kind: Kind | null = null): boolean {
  if (!scope || !inScope(scope, device)) return false
  return kind === null || !scope.kinds || scope.kinds.includes(kind)
}

/** No message has that many elements: the place behind everything of a position. */
const END = 999_999_999

export function endOf(position: number): LivePlace {
  return { position, rejection: false, index: END }
}

/** Below zero when the first one comes first. */
export function comparePlaces(a: LivePlace, b: LivePlace): number {
  if (a.position !== b.position) return a.position - b.position
  if (a.rejection !== b.rejection) return a.rejection ? -1 : 1
  return a.index - b.index
}

/** The id of an event: a rejection's index has a leading zero, so a reading never has the same. */
export function liveId(journal: string, { position, rejection, index }: LivePlace): string {
  return `${journal}:${position}.${rejection ? '0' : ''}${index}`
}

const ID = /^([0-9a-f-]{36}):(\d{1,15})\.(0?)(0|[1-9]\d{0,8})$/

/** The place an id names in this journal; null for an id of another one, and for any other text. */
export function parseLiveId(journal: string, id: string): LivePlace | null {
  const [, of, position, zero, index] = ID.exec(id) ?? []
  if (of !== journal) return null
  return { position: Number(position), rejection: zero === '0', index: Number(index) }
}
