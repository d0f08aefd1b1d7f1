import type { Log } from '#lib/runtime/log.ts'
import { createThrottledLog } from '#lib/runtime/throttled-log.ts'
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
export interface Refusals {
  note(reason: RefusalReason, fields: Readonly<Record<string, unknown>>, text: string): void
  readonly counts: Readonly<Record<RefusalReason, number>>
}

interface RefusalDeps {
  readonly log: Log
  readonly monoNs: () => bigint
  readonly refused: (reason: RefusalReason) => void
}

/** Log lines in ten seconds. */
const MAX_LINES = 20

export function createRefusals({ log, monoNs, refused }: RefusalDeps): Refusals {
  const counts: Record<RefusalReason, number> = {
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
  const suppressedText = 'more refused trackers than log lines'
  const lines = createThrottledLog(log, { maxLines: MAX_LINES, suppressedText, monoNs })

  return {
    counts,
    note(reason, fields, text) {
      counts[reason] += 1
      refused(reason)
      lines.warn({ reason, ...fields }, `tracker: ${text}`)
    },
  }
}
