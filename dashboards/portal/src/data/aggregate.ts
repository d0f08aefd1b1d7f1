import type { AggregatedReading, FieldValue } from '../api/rows.ts'

/** One field over an interval. Its parts depend on the role of the field. */
type Aggregate = AggregatedReading['fields'][string] | undefined

/** Of a gauge. */
export function meanOf(aggregate: Aggregate): number | undefined {
  return aggregate && 'mean' in aggregate ? aggregate.mean : undefined
}

/** Of a counter. */
export function firstOf(aggregate: Aggregate): number | undefined {
  return aggregate && 'first' in aggregate ? aggregate.first : undefined
}

/** Of a counter or a state. */
export function lastOf(aggregate: Aggregate): FieldValue | undefined {
  return aggregate && 'last' in aggregate ? aggregate.last : undefined
}
