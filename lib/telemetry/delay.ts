import type { FullId } from './ids.ts'

/** A message of a channel, and how long it was on its way. */
export interface DelayRow {
  readonly device: FullId
  readonly channel: string
  readonly seq: number | null
  readonly timeNs: bigint
  readonly receivedAtNs: bigint
  readonly uplinkMs: number | null
  readonly clockBoundMs: number | null
  /** Of a probe reading whose value is possible. */
  readonly rttMs: number | null
  /** Whether a one-way delay counts for latency: late ones and wrong clocks do not; a round trip always does. */
  readonly counts: boolean
  readonly isLate: boolean
  /** Whether the device gave a time of its own that can be one. */
  readonly timed: boolean
  /** False of other kinds than the scope's: they only tell which numbers came. */
  readonly isWanted: boolean
  /** False of retained, will and replayed ones: they only fill gaps (docs/domain.md 5.3). */
  readonly live: boolean
}
