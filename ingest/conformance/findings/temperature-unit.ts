import type { ConformanceFinding } from '#lib/telemetry/conformance.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { FieldDefinition } from '#lib/telemetry/field.ts'
import type { LastValue } from '#lib/telemetry/reading.ts'
import type { FindingRule } from '../finding.ts'
import { numberText } from '../text.ts'
import { numberIn } from '../units/number-in.ts'

interface Scale {
  readonly unit: string
  readonly toC: (value: number) => number
  readonly how: string
}

const SCALES: readonly Scale[] = [
  { unit: 'kelvin', toC: (value) => value - 273.15, how: 'subtract 273.15' },
  { unit: 'Fahrenheit', toC: (value) => (value - 32) / 1.8, how: 'subtract 32, divide by 1.8' },
]

/** Temperatures above their physical range that lie in it on another scale. */
export const temperatureUnit: FindingRule = {
  codes: ['temperature_unit'],
  find: ({ last }) => last.flatMap(findingsOf),
}

function findingsOf({ kind, fields }: LastValue): ConformanceFinding[] {
  const definitions: Readonly<Record<string, FieldDefinition>> = KINDS[kind].fields
  return Object.entries(definitions).flatMap(([name, { unit, min, max }]) => {
    const value = unit === 'Cel' ? numberIn(fields, name) : null
    if (value === null || min === undefined || max === undefined || value <= max) return []
    const scale = SCALES.find(({ toC }) => toC(value) >= min && toC(value) <= max)
    if (!scale) return []
    const example = `${numberText(value)}, which is ${numberText(scale.toC(value))} C`
    const advice = `this can only be ${scale.unit}: ${scale.how} before sending`
    const path = `data.${name}`
    return [{ code: 'temperature_unit', severity: 'error', path, example, advice }]
  })
}
