import type { Judgement } from '../../judgement.ts'
import { candidateFor, medianOf, ratioText, type Candidate } from './candidate.ts'
import { legsOf, type Leg } from './legs.ts'
import { numberIn } from './numbers.ts'

/** What trackers send as speed, in km/h. Knots and miles are 15 % apart. */
const UNITS: readonly Candidate[] = [
  { unit: 'km/h', factor: 1 },
  { unit: 'knots', factor: 1.852 },
  { unit: 'm/s', factor: 3.6 },
  { unit: 'miles per hour', factor: 1.609_344 },
  { unit: 'cm/s', factor: 0.036 },
]
const TOLERANCE = 0.06
/** Fewer legs prove nothing. */
const LEAST_LEGS = 5

/** The speed a device tells against the way its positions take. */
export const speedUnit: Judgement = {
  codes: ['speed_unit'],
  judge({ readings }) {
    const legs = legsOf(readings).flatMap((leg) => {
      const told = meanSpeed(leg)
      return told === null || told <= 0 ? [] : [{ told, real: (leg.metres / leg.seconds) * 3.6 }]
    })
    if (legs.length < LEAST_LEGS) return []
    const factor = medianOf(legs.map(({ told, real }) => real / told)) ?? 1
    const found = candidateFor(factor, UNITS, TOLERANCE)
    if (!found || found.factor === 1) return []
    const told = medianOf(legs.map((leg) => leg.told)) ?? 0
    const example = `${ratioText(told, told * factor)} from ${legs.length} stretches of its way`
    const advice = `speedKmh can only be in ${found.unit}: multiply by ${found.factor} before sending`
    const severity = 'error'
    return [{ code: 'speed_unit', severity, path: 'data.speedKmh', example, advice }]
  },
}

function meanSpeed({ readings }: Leg): number | null {
  const speeds = readings
    .map(({ fields }) => numberIn(fields, 'speedKmh'))
    .filter((speed) => speed !== null)
  return speeds.length === 0 ? null : speeds.reduce((sum, one) => sum + one, 0) / speeds.length
}
