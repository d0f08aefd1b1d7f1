import type { Log } from '#lib/runtime/log.ts'
import { CountedRefusals } from '../counted-refusals.ts'
import type { FaultReason } from './framing.ts'

/** Why a tracker is not served. */
export type RefusalReason =
  | FaultReason
  | 'unknown_imei'
  | 'ambiguous_imei'
  | 'checksum'
  | 'connections'
  | 'login_timeout'
  | 'idle'
  | 'not_reading'

/** Counts what is refused and logs it. */
export type Refusals = CountedRefusals<RefusalReason>

export interface RefusalDeps {
  readonly log: Log
  readonly monoNs: () => bigint
  readonly refused: (reason: RefusalReason) => void
}

const NONE = {
  login: 0,
  framing: 0,
  packet_size: 0,
  unknown_imei: 0,
  ambiguous_imei: 0,
  checksum: 0,
  connections: 0,
  login_timeout: 0,
  idle: 0,
  not_reading: 0,
}

export function createRefusals({ log, monoNs, refused }: RefusalDeps): Refusals {
  const suppressedText = 'more refused trackers than log lines'
  return new CountedRefusals<RefusalReason>(NONE, { log, monoNs, suppressedText, count: refused })
}
