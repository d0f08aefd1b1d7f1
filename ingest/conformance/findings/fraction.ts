import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { FieldDefinition } from '#lib/telemetry/field.ts'
import type { FindingRule } from '../finding.ts'
import { numberText } from '../text.ts'
import { numberIn } from '../units/number-in.ts'

/** No tank or battery stays between 0 and 1 % for so many readings. */
const MIN_VALUES = 10

/** Percentages that never leave 0 to 1. */
export const fraction: FindingRule = {
  codes: ['fraction'],
  find({ device, readings }) {
    if (device.kind === 'gateway') return []
    const definitions: Readonly<Record<string, FieldDefinition>> = KINDS[device.kind].fields
    return Object.entries(definitions).flatMap(([name, { unit }]) => {
      if (unit !== '%') return []
      const values = readings.map(({ fields }) => numberIn(fields, name)).filter(isNumber)
      const isFraction = values.every((value) => value >= 0 && value <= 1)
      const isPart = values.some((value) => !Number.isInteger(value))
      if (values.length < MIN_VALUES || !isFraction || !isPart) return []
      const example = `${values.length} values from ${numberText(Math.min(...values))} to ${numberText(Math.max(...values))}`
      const advice = 'these look like fractions of one: multiply by 100 before sending'
      const path = `data.${name}`
      return [{ code: 'fraction', severity: 'warning', path, example, advice }]
    })
  },
}

function isNumber(value: number | null): value is number {
  return value !== null
}
