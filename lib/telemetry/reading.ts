import type { FullId } from './ids.ts'
import type { Kind } from './catalogue.ts'
import type { FieldValue } from './field.ts'
import type { Flag } from './flags.ts'
import type { Radio } from './radio.ts'

/** One measurement set of one device at one device time. */
export interface Reading {
  readonly device: FullId
  readonly tenant: string
  readonly kind: Kind
  readonly channel: string
  readonly seq: number | null
  /** Unix ns: the device's own time, or the receive time where that cannot be used. */
  readonly timeNs: bigint
  /** The device's own time as sent, where `clock_invalid` ruled it out; else null. */
  readonly claimedTimeNs: bigint | null
  readonly receivedAtNs: bigint
  /**
   * Position of its message in the journal, and its ordinal among the message's readings (from 0).
   */
  readonly position: number
  readonly readingOrdinal: number
  /** Place of its element in the payload, which names it in a rejection; -1 outside an array. */
  readonly elementIndex: number
  /** 64 bits over the source element as received; part of the identity. */
  readonly hash: bigint
  readonly flags: number
  readonly fields: Readonly<Record<string, FieldValue>>
  readonly radio: Radio | null
  /**
   * Payload bytes of the message on its first reading, 0 on the others, so that sums count them
   * once.
   */
  readonly bytes: number
  /** Receive time minus device time corrected by the clock offset; null without a clock bound. */
  readonly uplinkMs: number | null
  /** Half width of the clock error of `uplinkMs`. */
  readonly clockBoundMs: number | null
}

/** A stored reading as results show it. */
export interface ReadingRow {
  readonly timeNs: bigint
  readonly device: FullId
  readonly kind: Kind
  readonly channel: string
  readonly seq: number | null
  readonly receivedAtNs: bigint
  readonly claimedTimeNs: bigint | null
  readonly position: number
  readonly readingOrdinal: number
  readonly flags: readonly Flag[]
  readonly fields: Readonly<Record<string, FieldValue>>
  readonly radio: Radio | null
}

/** The latest reading of one kind and channel, by the time of the device. */
export interface LastValue {
  readonly device: FullId
  readonly kind: Kind
  readonly channel: string
  readonly timeNs: bigint
  readonly receivedAtNs: bigint
  readonly seq: number | null
  readonly flags: readonly Flag[]
  readonly fields: Readonly<Record<string, FieldValue>>
  readonly radio: Radio | null
}
