import type { FullId } from './ids.ts'

export const REJECTION_REASONS = [
  'malformed',
  'schema',
  'kind',
  'unknown_device',
  'unit_unknown',
  'too_old',
  'store_refused',
] as const

export type RejectionReason = (typeof REJECTION_REASONS)[number]

/** Why one element (or a whole message) was not stored. A value, never an exception. */
export interface Refusal {
  readonly reason: RejectionReason
  /** Path of the faulty field in the payload, `data.tFlowC` or `[3].data.speedKmh`; '' for all. */
  readonly path: string
  readonly expected: string
  readonly got: string
}

/** A refusal with the message it belongs to, kept with the original bytes until replayed. */
export interface Rejection extends Refusal {
  /** `<position>.<item + 1>`: `4711.0` is the whole message 4711, `4711.3` its third element. */
  readonly id: string
  readonly position: number
  /** Index of the element in an array payload; -1 for the whole message. */
  readonly item: number
  readonly device: FullId
  readonly topic: string
  readonly format: string
  readonly receivedAtNs: bigint
  readonly payload: Uint8Array
}

/** A rejection as it is kept. */
export interface RejectionRow {
  readonly id: string
  readonly timeNs: bigint
  readonly device: FullId
  readonly topic: string
  readonly reason: RejectionReason
  readonly path: string
  readonly expected: string
  readonly got: string
  readonly format: string
  /** Of the format, when it refused this. */
  readonly formatVersion: number
  /** Which device behind a gateway it is about; null where it is none, or unknown. */
  readonly subDevice: string | null
  readonly item: number | null
  readonly payload: Uint8Array
  readonly recoveredAtNs: bigint | null
}
