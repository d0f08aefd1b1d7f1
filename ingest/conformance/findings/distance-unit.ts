import type { FindingRule } from '../finding.ts'
import { candidateFor, ratioText, type Candidate } from '../units/candidate.ts'
import { legsOf } from '../units/legs.ts'
import { numberIn } from '../units/number-in.ts'

/** The units an odometer may count in; 5 m is the step of SPN 917 (docs/domain.md 2.3). */
const UNITS: readonly Candidate[] = [
  { unit: 'm', factor: 1 },
  { unit: 'km', factor: 1000 },
  { unit: 'miles', factor: 1609.344 },
  { unit: 'steps of 5 m', factor: 5 },
]
/** Fewer counts, or a shorter route, prove nothing. */
const MIN_COUNTS = 5
const MIN_M = 500

/** Compares the odometer of a device with its positions. */
export const distanceUnit: FindingRule = {
  codes: ['distance_unit'],
  find({ readings }) {
    let metres = 0
    let counted = 0
    for (const leg of legsOf(readings)) {
      const from = leg.readings[0]
      const to = leg.readings.at(-1)
      const start = from ? numberIn(from.fields, 'odometerM') : null
      const end = to ? numberIn(to.fields, 'odometerM') : null
      if (start === null || end === null || end < start) continue
      metres += leg.metres
      counted += end - start
    }
    if (metres < MIN_M || counted < MIN_COUNTS) return []
    const found = candidateFor(metres / counted, UNITS)
    if (!found || found.factor === 1) return []
    const example = `${ratioText(counted, metres)} by its positions`
    const advice = `odometerM can only be in ${found.unit}: multiply by ${found.factor} before sending`
    const severity = 'error'
    return [{ code: 'distance_unit', severity, path: 'data.odometerM', example, advice }]
  },
}
