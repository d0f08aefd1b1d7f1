import type { Log } from '#lib/runtime/log.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import { whoIs, type Connection } from '../connections/connection.ts'

/** Short words for `padborg_mqtt_refused_total{reason}`. */
export type RefusalReason =
  | 'credentials'
  | 'certificate'
  | 'client_id'
  | 'protocol'
  | 'protocol_version'
  | 'connections'
  | 'connect_timeout'
  | 'packet_size'
  | 'topic'
  | 'topic_levels'
  | 'will'
  | 'subscribe'
  | 'filters'
  | 'qos2_window'
  | 'revoked'
  | 'slow_subscriber'
  | 'clock_request'
  | 'probe_request'

/** Counts what is refused and says why, without letting a flood of refusals flood the log. */
export interface Refusals {
  note(connection: Connection, reason: RefusalReason, text: string): void
  /** Notes it and closes the connection. */
  close(connection: Connection, reason: RefusalReason, text: string): void
}

/** Log lines in one window; the rest is counted and told at its end. */
const MOST_LINES = 50
const WINDOW_NS = 10_000_000_000n

export interface RefusalDeps {
  readonly metrics: Metrics
  readonly log: Log
  readonly monoNs: () => bigint
}

export function createRefusals({ metrics, log, monoNs }: RefusalDeps): Refusals {
  let windowEndNs = 0n
  let lines = 0

  function note(connection: Connection, reason: RefusalReason, text: string): void {
    metrics.count('padborg_mqtt_refused_total', 1, { reason })
    const nowNs = monoNs()
    if (nowNs >= windowEndNs) {
      if (lines > MOST_LINES) {
        log.warn({ suppressed: lines - MOST_LINES }, 'more MQTT refusals than log lines for them')
      }
      windowEndNs = nowNs + WINDOW_NS
      lines = 0
    }
    lines += 1
    if (lines <= MOST_LINES) log.warn({ ...whoIs(connection), reason }, text)
  }

  return {
    note,
    close(connection, reason, text) {
      if (connection.stream.destroyed) return
      connection.explained = true
      note(connection, reason, text)
      connection.stream.destroy()
    },
  }
}
