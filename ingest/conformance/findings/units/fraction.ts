import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { FieldDefinition } from '#lib/telemetry/field.ts'
import type { Judgement } from '../../judgement.ts'
import { numberText } from '../../wording.ts'
import { numberIn } from './numbers.ts'

/** So many readings a tank or battery is never between 0 and 1 % without being said to be empty. */
const LEAST = 10

/** Percentages that never leave 0 to 1. */
export const fraction: Judgement = {
  codes: ['fraction'],
  judge({ device, readings }) {
    if (device.kind === 'gateway') return []
    const definitions: Readonly<Record<string, FieldDefinition>> = KINDS[device.kind].fields
    return Object.entries(definitions).flatMap(([name, { unit }]) => {
      if (unit !== '%') return []
      const values = readings.map(({ fields }) => numberIn(fields, name)).filter(isNumber)
      const isFraction = values.every((value) => value >= 0 && value <= 1)
      const isPart = values.some((value) => !Number.isInteger(value))
      if (values.length < LEAST || !isFraction || !isPart) return []
      const example = `${values.length} values from ${numberText(Math.min(...values))} to ${numberText(Math.max(...values))}`
      const advice = 'these look like shares of one: multiply by 100 before sending'
      const path = `data.${name}`
      return [{ code: 'fraction', severity: 'warning', path, example, advice }]
    })
  },
}

function isNumber(value: number | null): value is number {
  return value !== null
}
