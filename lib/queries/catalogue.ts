import { availability } from './availability.ts'
import { conformance } from './conformance.ts'
import { delivery } from './delivery.ts'
import { interarrival } from './interarrival.ts'
import { jitter } from './jitter.ts'
import { lastValues } from './last-values.ts'
import { latency } from './latency.ts'
import { loss } from './loss.ts'
import { readings } from './readings.ts'
import { recoveredHeat } from './recovered-heat.ts'
import { rejectionGroups } from './rejection-groups.ts'
import { rejections } from './rejections.ts'
import { throughput } from './throughput.ts'
import type { TooMany } from '#lib/telemetry/too-many.ts'

/** Every query. A new one is a file beside this and a line here; everything else is derived. */
export const QUERIES = {
  readings,
  lastValues,
  delivery,
  latency,
  throughput,
  loss,
  jitter,
  interarrival,
  availability,
  recoveredHeat,
  rejections,
  rejectionGroups,
  conformance,
}

export type QueryName = keyof typeof QUERIES

/** What crosses the port for a query, and what comes back. */
export type QueryOf<N extends QueryName> = Parameters<(typeof QUERIES)[N]['answer']>[1]
export type ResultOf<N extends QueryName> = Awaited<ReturnType<(typeof QUERIES)[N]['answer']>>

/** Rows of a query that was within its limits. */
export type RowsOf<N extends QueryName> = Exclude<ResultOf<N>, TooMany>['rows']

// Keys of the object above.
export const QUERY_NAMES = Object.keys(QUERIES) as readonly QueryName[]

export function isQueryName(name: string): name is QueryName {
  return Object.hasOwn(QUERIES, name)
}
