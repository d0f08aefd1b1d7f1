import type { Outgoing } from '../../simulators/messages/outgoing.ts'

/** A message of the past. `atMs` is the device time of its last reading. */
export interface Line extends Outgoing {
  readonly device: string
  readonly atMs: number
}

export interface HistoryOptions {
  readonly seed: number
  /** When the history ends, Unix ms: the same end and seed give the same bytes. */
  readonly endMs: number
  /** Whether the platform has all of a device's history, so that it need not be made. */
  readonly isKnown: (device: string) => boolean
}
