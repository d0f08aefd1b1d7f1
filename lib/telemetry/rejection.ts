import type { FullId } from './ids.ts'

export const REJECTION_REASONS = [
  'malformed',
  'schema',
  'kind',
  'unknown_device',
  'unit_unknown',
  'too_old',
  'store_refused',
  'too_many_channels',
] as const

export type RejectionReason = (typeof REJECTION_REASONS)[number]

/** Why an element, or a whole message, was not stored. A value, never an exception. */
export interface Refusal {
  readonly reason: RejectionReason
  /**
   * Path of the faulty field in the payload, `data.tFlowC` or `[3].data.speedKmh`; '' for the
   * whole.
   */
  readonly path: string
  readonly expected: string
  readonly got: string
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
  /** Version of the format that refused it. */
  readonly formatVersion: number
  /** Short id of the device behind a gateway; null where there is none, or it is unknown. */
  readonly subDevice: string | null
  readonly item: number | null
  /** Elements that it stands for: 1, or more in an entry that covers what is beyond a limit. */
  readonly elements: number
  readonly payload: Uint8Array
  readonly recoveredAtNs: bigint | null
}
