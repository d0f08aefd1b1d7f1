import type { FullId } from './ids.ts'

export type Qos = 0 | 1 | 2

/** Where a replayed message was first journaled, and which element of its array is replayed. */
export interface Origin {
  readonly position: number
  /** Index of the rejected element; -1 replays the whole message. */
  readonly elementIndex: number
}

/** What the broker hands over for one PUBLISH, before it has a position. */
export interface IncomingMessage {
  /** Full id of the device the message speaks for (resolved from account and topic). */
  readonly device: FullId
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
  readonly dup: boolean
  readonly will: boolean
  /** Wall clock, Unix nanoseconds, taken when the bytes were read from the socket. */
  readonly receivedAtNs: bigint
  /** Monotonic nanoseconds of the same moment. */
  readonly receivedMonoNs: bigint
  readonly origin: Origin | null
}

/** A message as it is read, by itself and not replayed. */
export function incomingMessage(
  { device, topic }: Pick<IncomingMessage, 'device' | 'topic'>,
  payload: Uint8Array,
  { qos, retain, dup }: Pick<IncomingMessage, 'qos' | 'retain' | 'dup'>,
  { receivedAtNs, receivedMonoNs }: Pick<IncomingMessage, 'receivedAtNs' | 'receivedMonoNs'>,
): IncomingMessage {
  return {
    device,
    topic,
    payload,
    qos,
    retain,
    dup,
    will: false,
    receivedAtNs,
    receivedMonoNs,
    origin: null,
  }
}

/** A message as the journal keeps it. Positions count messages, from 1, and never go back. */
export interface JournaledMessage extends IncomingMessage {
  readonly position: number
}
