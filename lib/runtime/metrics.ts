import { Counter, Gauge, Registry as PromRegistry, collectDefaultMetrics } from 'prom-client'

interface MetricDefinition {
  readonly type: 'counter' | 'gauge'
  readonly labels: readonly string[]
  readonly help: string
}

const counter = (help: string, labels: readonly string[] = []) =>
  ({ type: 'counter', labels, help }) as const satisfies MetricDefinition
const gauge = (help: string, labels: readonly string[] = []) =>
  ({ type: 'gauge', labels, help }) as const satisfies MetricDefinition

/** Every metric of the platform (docs/metrics.md lists them; a test compares). Names follow Prometheus. */
export const METRICS = {
  padborg_messages_accepted_total: counter(
    'Messages made durable; each was acknowledged after that.',
  ),
  padborg_messages_stored_total: counter('Accepted messages that ended as stored.'),
  padborg_messages_duplicate_total: counter('Accepted messages that ended as duplicate.'),
  padborg_messages_rejected_total: counter('Accepted messages that ended as rejected.', ['reason']),
  padborg_commands_total: counter('Messages forwarded towards devices.'),

  padborg_mqtt_connects_total: counter('MQTT connections that signed in.'),
  padborg_mqtt_refused_total: counter(
    'Connections, publishes and subscribes refused, and connections closed for a limit.',
    ['reason'],
  ),
  padborg_mqtt_shed_total: counter(
    'Messages not forwarded: slow_subscriber, offline_queue, forwarding, retained, wills.',
    ['reason'],
  ),
  padborg_mqtt_connections: gauge('MQTT connections now.'),
  padborg_mqtt_connections_limit: gauge('Connections at most (PADBORG_MQTT_MAX_CONNECTIONS).'),
  padborg_mqtt_in_flight: gauge('Messages read from publishers and not yet durable.'),
  padborg_mqtt_in_flight_limit: gauge('The same at most (PADBORG_MQTT_MAX_IN_FLIGHT).'),

  padborg_journal_held: gauge(
    '1 while the platform does not read from publishers: disk full or writer lagging.',
  ),
  padborg_journal_bytes: gauge('Bytes of all journal segments.'),
  padborg_journal_pending_messages: gauge('Messages in the journal and not yet durable.'),
  padborg_journal_syncs_total: gauge('Group commits since the start.'),
  padborg_journal_failed_syncs_total: gauge('Group commits that failed and were written again.'),
  padborg_writer_lag_messages: gauge('Durable messages not yet written to the store.'),
  padborg_writer_lag_seconds: gauge('Age of the oldest of them.'),
  padborg_derived_waiting: gauge('Minutes and hours whose derived series are not yet written.'),
  padborg_problems: gauge('Reasons for which /health/ready answers 503.'),

  padborg_figures_behind_messages: gauge(
    'Stored messages whose figures are not yet computed: queries read their rows instead.',
  ),
  padborg_silent_robots: gauge('VDA 5050 robots that are ONLINE and send no state.'),

  padborg_source_connected: gauge('1 while the foreign broker is connected.'),
  padborg_source_in_flight: gauge('Messages of the foreign broker not yet durable.'),

  padborg_teltonika_refused_total: counter('Trackers and packets refused.', ['reason']),
  padborg_teltonika_connections: gauge('Trackers connected now.'),

  padborg_queries_running: gauge('Queries and files of the API that run or are being sent.'),
  padborg_queries_waiting: gauge('Those that wait for their turn.'),

  padborg_live_viewers: gauge('Live streams now.'),
  padborg_live_dropped_total: counter('Live events not sent because a viewer was too slow.'),

  padborg_internal_requests_total: counter('Answers at PADBORG_INGEST_PORT.', ['status']),
  padborg_internal_streams: gauge('Live streams of api roles in other processes.'),
  padborg_intakes: gauge('Intakes in other processes (PADBORG_INGEST_URL).'),
  padborg_intakes_unreachable: gauge('Those of them that do not answer.'),

  padborg_http_requests_total: counter('HTTP answers.', ['method', 'route', 'status']),
} as const satisfies Record<`padborg_${string}`, MetricDefinition>

type Names<T extends MetricDefinition['type']> = {
  [K in keyof typeof METRICS]: (typeof METRICS)[K]['type'] extends T ? K : never
}[keyof typeof METRICS]
export type CounterName = Names<'counter'>
export type GaugeName = Names<'gauge'>

/** The metrics of one process; nothing is shared between two of them. */
export interface Metrics {
  count(name: CounterName, n?: number, labels?: Readonly<Record<string, string>>): void
  /** The value is read when the metrics are exported. */
  gauge(name: GaugeName, read: () => number): void
  /** The text of `/metrics` (Prometheus exposition format 0.0.4). */
  show(): Promise<{ readonly contentType: string; readonly text: string }>
}

export function createMetrics(): Metrics {
  const registry = new PromRegistry()
  const registers = [registry]
  const counters = new Map<string, Counter>()
  for (const [name, { type, labels, help }] of Object.entries<MetricDefinition>(METRICS)) {
    if (type !== 'counter') continue
    counters.set(name, new Counter({ name, help, labelNames: [...labels], registers }))
  }
  collectDefaultMetrics({ register: registry })

  return {
    count(name, n = 1, labels = {}) {
      if (n > 0) counters.get(name)?.inc(labels, n)
    },
    gauge(name, read) {
      const { help } = METRICS[name]
      const shown = new Gauge({ name, help, registers: [] })
      Object.assign(shown, { collect: () => shown.set(read()) })
      registry.registerMetric(shown)
    },
    async show() {
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}
