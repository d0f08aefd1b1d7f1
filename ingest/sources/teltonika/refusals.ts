import type { Log } from '#lib/runtime/log.ts'
import type { FaultReason } from './framing.ts'

/** Every way in which a tracker is not served as it asks. */
export type RefusalReason =
  | FaultReason
  | 'unknown_imei'
  | 'ambiguous_imei'
  | 'checksum'
  | 'connections'
  | 'login_timeout'
  | 'idle'
  | 'not_reading'

/** Counts refusals and says so, without letting a flood of them flood the log. */
export interface Refusals {
  note(reason: RefusalReason, fields: Readonly<Record<string, unknown>>, text: string): void
  readonly counts: Readonly<Record<RefusalReason, number>>
}

interface RefusalDeps {
  readonly log: Log
  readonly monoNs: () => bigint
  readonly refused: (reason: RefusalReason) => void
}

/** Log lines in one window; the rest is counted and told at the beginning of the next. */
const MOST_LINES = 20
const WINDOW_NS = 10_000_000_000n

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
  let windowEndNs = 0n
  let lines = 0

  return {
    counts,
    note(reason, fields, text) {
      counts[reason] += 1
      refused(reason)
      const nowNs = monoNs()
      if (nowNs >= windowEndNs) {
        const suppressed = lines - MOST_LINES
        if (suppressed > 0) log.warn({ suppressed }, 'more refused trackers than log lines')
        windowEndNs = nowNs + WINDOW_NS
        lines = 0
      }
      lines += 1
      if (lines <= MOST_LINES) log.warn({ reason, ...fields }, `tracker: ${text}`)
    },
  }
}
