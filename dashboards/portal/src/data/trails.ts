import type { Outcome } from './api-client.ts'
import type { AggregatedReading, List } from './answers.ts'

export type Point = readonly [lon: number, lat: number]

/** Where vehicles were: the means of short intervals, which draw the roads they take. */
export function trailPoints(outcome: Outcome<List<AggregatedReading>>): Outcome<readonly Point[]> {
  if (!outcome.ok) return outcome
  const points = outcome.value.data.flatMap(({ fields }): Point[] => {
    const lon = fields['lon']?.mean
    const lat = fields['lat']?.mean
    return lon === undefined || lat === undefined ? [] : [[lon, lat]]
  })
  return { ok: true, value: points }
}
