import type { FieldValue } from '#lib/telemetry/field.ts'
import { isRecord, type Problem } from '../payload/problem.ts'
import { takeFields, type Part, type SourceField } from '../trucks/source-fields.ts'

/** In steps of the common data dictionary, ETSI TS 102 894-2, with its codes for "unavailable". */
export const POSITION: readonly SourceField[] = [
  { from: 'latitude', to: 'lat', type: 'integer', per: 1e7, none: [900_000_001], required: true },
  {
    from: 'longitude',
    to: 'lon',
    type: 'integer',
    per: 1e7,
    none: [1_800_000_001],
    required: true,
  },
  { from: 'altitude', to: 'altM', type: 'integer', per: 100, none: [800_001] },
]

export const HIGH_FREQUENCY: readonly SourceField[] = [
  { from: 'heading', to: 'headingDeg', type: 'integer', per: 10, none: [3601] },
  // 0.01 m/s = 0.036 km/h
  { from: 'speed', to: 'speedKmh', type: 'integer', times: 36, per: 1000, none: [16_383] },
]

/** Takes values that 1.1 writes as numbers and 2.x as `{"value","confidence"}`. */
export function takeMeasured(part: Part, into: Record<string, FieldValue>): Problem | null {
  for (const field of part.fields) {
    const given = part.values[field.from]
    const one = isRecord(given)
      ? { values: given, path: [...part.path, field.from], fields: [{ ...field, from: 'value' }] }
      : { ...part, fields: [field] }
    const problem = takeFields(one, into)
    if (problem) return problem
  }
  return null
}
