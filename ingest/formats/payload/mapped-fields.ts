import { KINDS } from '#lib/telemetry/catalogue.ts'
import { isFmsNoValue } from '../trucks/fms-no-value.ts'
import { isRecord } from './native-element.ts'
import { readNumber, signedOf } from './number-text.ts'
import type { Problem, SourceField, Values } from './source-fields.ts'
import { describe, show } from './wording.ts'

/** Names that a device's setting maps, and the values with their signs set right. */
export interface MappedFields {
  readonly fields: readonly SourceField[]
  meant(values: Values): Values
}

export interface MappingOptions {
  /** The name of the setting, and one of its entries to show. */
  readonly setting: string
  readonly example: string
  /** What a name looks like. */
  readonly name: RegExp
  /** Numbers that mean "no value" of a temperature sensor. */
  readonly noTemperature?: readonly number[]
}

const NOTHING: MappedFields = { fields: [], meant: (values) => values }

/**
 * A setting such as `{"72":{"to":"cargoTemp1C","per":10,"signedBits":32}}`: which field a name is
 * that only this model or this installation gives a meaning, in which unit, and whether its bits
 * are those of a signed number. A mistake in it refuses every message until it is mended: then they
 * can be replayed.
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
    if ('expected' in field) return field
    fields.push(field)
    const bits = isRecord(rule) ? rule['signedBits'] : undefined
    if (bits === 8 || bits === 16 || bits === 32) signs.set(name, bits)
    else if (bits !== undefined) return wrong(options, [name, 'signedBits'], '8, 16 or 32', bits)
  }
  return { fields, meant: (values) => (signs.size === 0 ? values : withSigns(values, signs)) }
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

function isFactor(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
}

function withSigns(values: Values, signs: ReadonlyMap<string, number>): Values {
  const meant: Record<string, unknown> = { ...values }
  for (const [name, bits] of signs) {
    const value = readNumber(values[name])
    if (value !== null) meant[name] = signedOf(value, bits)
  }
  return meant
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
