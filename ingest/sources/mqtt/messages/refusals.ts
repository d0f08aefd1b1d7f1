import type { Log } from '#lib/runtime/log.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import { createThrottledLog } from '#lib/runtime/throttled-log.ts'

/** What is wrong with a message, for `padborg_mqtt_refused_total{reason}`. */
export type RefusalReason =
  | 'unknown_device'
  | 'ambiguous_topic'
  | 'packet_size'
  | 'clock_request'
  | 'probe_request'

/** Counts what is wrong with messages and logs it. */
export interface Refusals {
  note(reason: RefusalReason, topic: string, text: string): void
  /** How often, since the start. */
  readonly counts: Readonly<Record<RefusalReason, number>>
}

export interface RefusalDeps {
  readonly metrics: Metrics
  readonly log: Log
  readonly monoNs: () => bigint
}

/** Log lines in ten seconds. */
const MAX_LINES = 20
/** Characters of a topic in a log line. */
const MAX_SHOWN = 200

export function createRefusals({ metrics, log, monoNs }: RefusalDeps): Refusals {
  const counts = {
    unknown_device: 0,
    ambiguous_topic: 0,
    packet_size: 0,
    clock_request: 0,
    probe_request: 0,
  }
  const suppressedText = 'more faulty messages of the foreign broker than log lines'
  const lines = createThrottledLog(log, { maxLines: MAX_LINES, suppressedText, monoNs })

  return {
    counts,
    note(reason, topic, text) {
      counts[reason] += 1
      metrics.count('padborg_mqtt_refused_total', 1, { reason })
      lines.warn({ reason, topic: topic.slice(0, MAX_SHOWN) }, text)
    },
  }
}
