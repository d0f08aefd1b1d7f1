import type { Log } from '#lib/runtime/log.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'

/** Short words for `padborg_mqtt_refused_total{reason}`. */
export type RefusalReason =
  | 'unknown_device'
  | 'ambiguous_topic'
  | 'packet_size'
  | 'clock_request'
  | 'probe_request'

/** Counts what is wrong with messages and says so, without letting a flood of them flood the log. */
export interface Refusals {
  note(reason: RefusalReason, topic: string, text: string): void
  /** How often, since the start. */
  readonly counts: Readonly<Record<RefusalReason, number>>
}

/** Log lines in one window; the rest is counted and told at the beginning of the next. */
const MOST_LINES = 20
const WINDOW_NS = 10_000_000_000n
const SHOWN_TOPIC = 200

export interface RefusalDeps {
  readonly metrics: Metrics
  readonly log: Log
  readonly monoNs: () => bigint
}

export function createRefusals({ metrics, log, monoNs }: RefusalDeps): Refusals {
  const counts = {
    unknown_device: 0,
    ambiguous_topic: 0,
    packet_size: 0,
    clock_request: 0,
    probe_request: 0,
  }
  let windowEndNs = 0n
  let lines = 0

  return {
    counts,
    note(reason, topic, text) {
      counts[reason] += 1
      metrics.count('padborg_mqtt_refused_total', 1, { reason })
      const nowNs = monoNs()
      if (nowNs >= windowEndNs) {
        if (lines > MOST_LINES) {
          const suppressed = lines - MOST_LINES
          log.warn({ suppressed }, 'more faulty messages of the foreign broker than log lines')
        }
        windowEndNs = nowNs + WINDOW_NS
        lines = 0
      }
      lines += 1
      if (lines <= MOST_LINES) log.warn({ reason, topic: topic.slice(0, SHOWN_TOPIC) }, text)
    },
  }
}
