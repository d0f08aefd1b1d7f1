import type { FindingRule } from '../finding.ts'
import { candidateFor, medianOf, ratioText, type Candidate } from '../units/candidate.ts'
import { legsOf, type Leg } from '../units/legs.ts'
import { numberIn } from '../units/number-in.ts'

/** The units that trackers send speed in. Knots and miles are 15 % apart. */
const UNITS: readonly Candidate[] = [
  { unit: 'km/h', factor: 1 },
  { unit: 'knots', factor: 1.852 },
  { unit: 'm/s', factor: 3.6 },
  { unit: 'miles per hour', factor: 1.609_344 },
  { unit: 'cm/s', factor: 0.036 },
]
const TOLERANCE = 0.06
/** Fewer legs prove nothing. */
const MIN_LEGS = 5

/** Compares the speed a device sends with its positions. */
export const speedUnit: FindingRule = {
  codes: ['speed_unit'],
  find({ readings }) {
    const legs = legsOf(readings).flatMap((leg) => {
      const sent = meanSpeed(leg)
      return sent === null || sent <= 0 ? [] : [{ sent, real: (leg.metres / leg.seconds) * 3.6 }]
    })
    if (legs.length < MIN_LEGS) return []
    const factor = medianOf(legs.map(({ sent, real }) => real / sent)) ?? 1
    const found = candidateFor(factor, UNITS, TOLERANCE)
    if (!found || found.factor === 1) return []
    const sent = medianOf(legs.map((leg) => leg.sent)) ?? 0
    const example = `${ratioText(sent, sent * factor)} from ${legs.length} legs of its route`
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
