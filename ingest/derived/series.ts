import type { Device } from '#lib/registry/registry.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Series } from '#lib/store/influx/client/influx.ts'
import type { Point } from '#lib/store/influx/write/line.ts'
import type { QueryName, QueryOf, RowsOf } from '#lib/queries/catalogue.ts'
import type { IngestStatus } from '#lib/telemetry/readiness.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { HOUR_NS, MINUTE_NS } from '#lib/telemetry/time-grid.ts'
import type { Journal } from '../journal/journal.ts'
import type { KnownKeys } from './known-keys.ts'

/** Of which length the intervals of a series are. */
export type Step = 'minute' | 'hour'

export const STEP_NS: Readonly<Record<Step, bigint>> = {
  minute: MINUTE_NS,
  hour: HOUR_NS,
}

/** The context of a series while it makes its points: one query after the other. */
export interface Context {
  /** Rows of a query. Throws TooLarge for one that would read too much. */
  readonly rows: <N extends QueryName>(name: N, query: QueryOf<N>) => Promise<RowsOf<N>>
  readonly status: () => Promise<IngestStatus>
  /** What InfluxDB has already: for what has to be undone. */
  readonly query: (influxql: string) => Promise<readonly Series[]>
  readonly devices: () => readonly Device[]
  readonly journal: Pick<Journal, 'id' | 'paused' | 'status'>
  /** Tags of what this intake alone knows, beside other intakes on the same InfluxDB. */
  readonly ownTags: Readonly<Record<string, string>>
  /** Days until the TLS certificate expires; null without one. */
  readonly certificateDays: () => number | null
  readonly keys: KnownKeys
  readonly clock: Pick<Clock, 'nowNs'>
}

/**
 * A derived series: one measurement that Grafana reads. What it says of the past is computed again
 * whenever readings of that time come in (`recompute`); what is true only now is taken from time to
 * time (`sample`). The same interval gives the same points: tags and time are their identity.
 */
export interface DerivedSeries {
  readonly measurement: string
  /** Kept as long as figures per minute, or as those per hour. */
  readonly keep: Step
  readonly recompute?: {
    readonly step: Step
    /** Points of all whole intervals of the span. */
    readonly points: (span: Span, context: Context) => Promise<readonly Point[]>
  }
  readonly sample?: {
    readonly everyMs: number
    /** Also taken at once when the registry has changed. */
    readonly onRegistryChange?: true
    /** A function for state of its own between two samples, such as what was seen last time. */
    readonly create: () => (nowNs: bigint, context: Context) => Promise<readonly Point[]>
  }
}

/** A query would read more than its limit: it must be repeated for fewer intervals. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge'
}

export function startOf(timeNs: bigint, step: Step): bigint {
  return timeNs - (timeNs % STEP_NS[step])
}
