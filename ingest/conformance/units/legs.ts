import type { ReadingRow } from '#lib/telemetry/reading.ts'
import { numberIn } from './number-in.ts'

/** A part of a route, between two positions. */
export interface Leg {
  readonly metres: number
  readonly seconds: number
  /** Its readings, both ends included. */
  readonly readings: readonly ReadingRow[]
}

/** Shorter legs are mostly the error of the receiver; longer ones cut corners. */
const MIN_S = 5
const MAX_S = 60
const MIN_M = 25
const EARTH_RADIUS_M = 6_371_009

/** The route of a vehicle in legs of at least five seconds, oldest first. */
export function legsOf(readings: readonly ReadingRow[]): Leg[] {
  const legs: Leg[] = []
  let leg: ReadingRow[] = []
  for (const reading of readings) {
    const first = leg[0]
    leg.push(reading)
    const seconds = first ? secondsBetween(first, reading) : 0
    if (!first || seconds < MIN_S) continue
    const metres = metresBetween(first, reading)
    if (metres !== null && metres >= MIN_M && seconds <= MAX_S) {
      legs.push({ metres, seconds, readings: leg })
    }
    leg = [reading]
  }
  return legs
}

function secondsBetween(from: ReadingRow, to: ReadingRow): number {
  return Number(to.timeNs - from.timeNs) / 1e9
}

/** On a plane: exact enough for a minute's drive. */
function metresBetween(from: ReadingRow, to: ReadingRow): number | null {
  const [lat1, lon1] = positionOf(from)
  const [lat2, lon2] = positionOf(to)
  if (lat1 === null || lon1 === null || lat2 === null || lon2 === null) return null
  const north = radians(lat2 - lat1)
  const east = radians(lon2 - lon1) * Math.cos(radians((lat1 + lat2) / 2))
  return EARTH_RADIUS_M * Math.hypot(north, east)
}

function positionOf({ fields }: ReadingRow): readonly [lat: number | null, lon: number | null] {
  return [numberIn(fields, 'lat'), numberIn(fields, 'lon')]
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180
}
