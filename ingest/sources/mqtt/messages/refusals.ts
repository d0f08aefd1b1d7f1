import type { Log } from '#lib/runtime/log.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import { CountedRefusals } from '../../counted-refusals.ts'

/** What is wrong with a message, for `padborg_mqtt_refused_total{reason}`. */
export type RefusalReason =
  | 'unknown_device'
  | 'ambiguous_topic'
  | 'packet_size'
  | 'clock_request'
  | 'probe_request'

/** Counts what is wrong with messages and logs it. */
export type Refusals = CountedRefusals<RefusalReason>

export interface RefusalDeps {
  readonly metrics: Metrics
  readonly log: Log
  readonly monoNs: () => bigint
}

const NONE = {
  unknown_device: 0,
  ambiguous_topic: 0,
  packet_size: 0,
  clock_request: 0,
  probe_request: 0,
}
/** Characters of a topic in a log line. */
const MAX_SHOWN = 200

export function createRefusals({ metrics, log, monoNs }: RefusalDeps): Refusals {
  return new CountedRefusals<RefusalReason>(NONE, {
    log,
    monoNs,
    suppressedText: 'more faulty messages of the foreign broker than log lines',
    count: (reason) => metrics.count('padborg_mqtt_refused_total', 1, { reason }),
  })
}

/** A topic as a field of a log line. */
export function topicField(topic: string): { readonly topic: string } {
  return { topic: topic.slice(0, MAX_SHOWN) }
}
