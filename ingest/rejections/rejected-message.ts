import type { FullId } from '#lib/telemetry/ids.ts'
import type { JournaledMessage, Origin } from '#lib/telemetry/message.ts'
import type { RefusedElement } from '../formats/format.ts'

/** The refused elements of one message, kept with the bytes it came as. */
export interface RejectedMessage {
  readonly message: JournaledMessage
  readonly format: string
  readonly refused: readonly RefusedElement[]
  /** Counted as rejected: none of its elements was stored. */
  readonly whole: boolean
}

/** The rejections of one message as they are just before a position of the journal. */
export interface RejectionStatus {
  /** Elements still rejected; -1 is the whole message. */
  readonly open: readonly number[]
  /** The message is counted as rejected (no element of it has been recovered). */
  readonly rejected: boolean
  /** Where it is counted; left out when nothing of it was rejected. */
  readonly device?: FullId
}

/** Elements of a rejected message that a replay has recovered. */
export interface Recovery {
  /** Position of the message. */
  readonly origin: number
  /** -1: all of it. */
  readonly elements: readonly number[]
  /** What came to light only now that the message could be read. */
  readonly left: Pick<RejectedMessage, 'format' | 'refused'>
  readonly atNs: bigint
  /** Position of the replay record, so that reading the journal again decides the same. */
  readonly position: number
}

/** What was refused of a replay, by the position of its own record. */
export interface RefusedReplay {
  readonly position: number
  readonly refused: readonly RefusedElement[]
}

export function rejectionId(position: number, elementIndex: number): string {
  return `${position}.${elementIndex + 1}`
}

/** The position and element of a rejection id; null when it is not one. */
export function parseRejectionId(id: string): Origin | null {
  const match = /^(\d{1,15})\.(\d{1,9})$/.exec(id)
  return match ? { position: Number(match[1]), elementIndex: Number(match[2]) - 1 } : null
}
