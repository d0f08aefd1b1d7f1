import { z } from 'zod'
import { fieldRule, mappingSetting } from '#lib/telemetry/shared-settings.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import { isFmsNoValue } from './fms-no-value.ts'
import { readNumber, signedOf } from '../payload/number-text.ts'
import { isProblem, isRecord, type Problem, type Values } from '../payload/problem.ts'
import { describe, show } from '../payload/reason.ts'
import { isFactor } from '../payload/units.ts'
import type { SourceField } from './source-fields.ts'

/** A setting that maps names of this model or installation. */
export const MAPPED_SETTING = mappingSetting(
  fieldRule.extend({ signedBits: z.literal([8, 16, 32]).optional() }),
  'an object such as {"72":{"to":"cargoTemp1C","per":10}}',
  'The field that each further name means, and the factor to its unit.',
)

/** The names that a device's setting maps, and the values with their signs restored. */
export interface MappedFields {
  readonly fields: readonly SourceField[]
  signed(values: Values): Values
}

export interface MappingOptions {
  /** The name of the setting, and one of its entries to show. */
  readonly setting: string
  readonly example: string
  /** The form of a name. */
  readonly name: RegExp
  /** Numbers that mean "no value" of a temperature sensor. */
  readonly noTemperature?: readonly number[]
}

const NOTHING: MappedFields = { fields: [], signed: (values) => values }

/**
 * A setting such as `{"72":{"to":"cargoTemp1C","per":10,"signedBits":32}}` for names that mean
 * something on this model or in this installation only: the field of each name, its unit, and
 * whether its bits are those of a signed number. A mistake in the setting refuses every message;
 * once it is fixed they can be replayed.
 */
export function mappedFields(value: unknown, options: MappingOptions): MappedFields | Problem {
  if (value === undefined || value === null) return NOTHING
  if (!isRecord(value)) return wrong(options, [], `an object, such as ${options.example}`, value)
  const fields: SourceField[] = []
  const signs = new Map<string, number>()
  for (const [name, rule] of Object.entries(value)) {
    if (!options.name.test(name))
      return wrong(options, [name], `names as in ${options.example}`, name)
    const field = fieldOf(name, rule, options)
    if (isProblem(field)) return field
    fields.push(field)
    const bits = isRecord(rule) ? rule['signedBits'] : undefined
    if (bits === 8 || bits === 16 || bits === 32) signs.set(name, bits)
    else if (bits !== undefined) return wrong(options, [name, 'signedBits'], '8, 16 or 32', bits)
  }
  return { fields, signed: (values) => (signs.size === 0 ? values : withSigns(values, signs)) }
}

function fieldOf(name: string, rule: unknown, options: MappingOptions): SourceField | Problem {
  const { to, per = 1, times = 1 } = isRecord(rule) ? rule : {}
  const definition =
    typeof to === 'string' && Object.hasOwn(KINDS.truck.fields, to) ? KINDS.truck.fields[to] : null
  if (typeof to !== 'string' || !definition || definition.type === 'string') {
    return wrong(options, [name, 'to'], 'a number or flag of kind truck, such as fuelPct', to)
  }
  if (!isFactor(per)) return wrong(options, [name, 'per'], 'a number above 0', per)
  if (!isFactor(times)) return wrong(options, [name, 'times'], 'a number above 0', times)
  const none = definition.unit === 'Cel' ? (options.noTemperature ?? []) : []
  return { from: name, to, type: definition.type, per, times, none, isNone: isFmsNoValue }
}

function withSigns(values: Values, signs: ReadonlyMap<string, number>): Values {
  const signed: Record<string, unknown> = { ...values }
  for (const [name, bits] of signs) {
    const value = readNumber(values[name])
    if (value !== null) signed[name] = signedOf(value, bits)
  }
  return signed
}

function wrong(
  { setting }: MappingOptions,
  path: readonly string[],
  expected: string,
  value: unknown,
): Problem {
  const got = typeof value === 'string' || typeof value === 'number' ? show(value) : describe(value)
  return { path: ['settings', setting, ...path], expected: `${expected}, in the registry`, got }
}
