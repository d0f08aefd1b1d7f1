import type { Outcome } from '../api/outcome.ts'
import type { AggregatedReading, List } from '../api/rows.ts'
import { meanOf } from './aggregate.ts'
import type { Point } from './point.ts'

/** Where vehicles were: the means of short intervals, which draw the roads they take. */
export function trailPoints(outcome: Outcome<List<AggregatedReading>>): Outcome<readonly Point[]> {
  if (!outcome.ok) return outcome
  const points = outcome.value.data.flatMap(({ fields }): Point[] => {
    const lon = meanOf(fields['lon'])
    const lat = meanOf(fields['lat'])
    return lon === undefined || lat === undefined ? [] : [[lon, lat]]
  })
  return { ok: true, value: points }
}
