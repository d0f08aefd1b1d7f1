import type { Log } from '#lib/runtime/log.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import { createThrottledLog } from '#lib/runtime/throttled-log.ts'
import { logFieldsOf, type Connection } from '../connections/connection.ts'

/** Why a client is refused, for `padborg_mqtt_refused_total{reason}`. */
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

/** Counts what is refused and logs the reason. */
export interface Refusals {
  note(connection: Connection, reason: RefusalReason, text: string): void
  /** Counts, logs and closes the connection. */
  close(connection: Connection, reason: RefusalReason, text: string): void
}

/** Log lines in ten seconds. */
const MAX_LINES = 50

export interface RefusalDeps {
  readonly metrics: Metrics
  readonly log: Log
  readonly monoNs: () => bigint
}

export function createRefusals({ metrics, log, monoNs }: RefusalDeps): Refusals {
  const suppressedText = 'more MQTT refusals than log lines for them'
  const lines = createThrottledLog(log, { maxLines: MAX_LINES, suppressedText, monoNs })

  function note(connection: Connection, reason: RefusalReason, text: string): void {
    metrics.count('padborg_mqtt_refused_total', 1, { reason })
    lines.warn({ ...logFieldsOf(connection), reason }, text)
  }

  return {
    note,
    close(connection, reason, text) {
      if (connection.stream.destroyed) return
      connection.endLogged = true
      note(connection, reason, text)
      connection.stream.destroy()
    },
  }
}
