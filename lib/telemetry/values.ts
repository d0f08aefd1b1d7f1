import {
  type FieldDefinition,
  type FieldProblem,
  type FieldValue,
  type KindDefinition,
  MAX_LENGTH,
} from './field.ts'
import { FLAGS } from './flags.ts'
import { isNoFix } from './position.ts'

export interface AcceptedValues {
  readonly fields: Readonly<Record<string, FieldValue>>
  /**
   * `out_of_range` where a value lies outside its physical range; it is kept (docs/domain.md 8.11).
   */
  readonly flags: number
  /** Names that the fields do not have, at most `MAX_UNKNOWN_NAMES`; null where there are none. */
  readonly unknown: readonly string[] | null
}

/** Unknown names that one reading may report: enough to see the mistake. */
export const MAX_UNKNOWN_NAMES = 8

/**
 * Prepares the values of one reading for storage, or returns null where one is of the wrong type:
 * then `dataSchema` of the same fields, which accepts the same values, gives the reason. (This runs
 * for every reading, at a quarter of the cost of the schema.) Null, sentinels, unknown names and
 * the 0, 0 of a receiver without a fix are dropped; ranges are checked. Where nothing has to be
 * changed, the given object is returned.
 */
export function createAcceptor(
  definitions: Readonly<Record<string, FieldDefinition>>,
): (values: Readonly<Record<string, unknown>>) => AcceptedValues | null {
  const rules = new Map(Object.entries(definitions).map(([name, field]) => [name, ruleOf(field)]))
  return (values) => {
    let flags = 0
    let unknown: string[] | null = null
    let asGiven = !isNoFix(values)
    for (const name in values) {
      const value = values[name]
      const rule = rules.get(name)
      if (rule === undefined) {
        asGiven = false
        unknown ??= []
        if (unknown.length < MAX_UNKNOWN_NAMES) unknown.push(name)
      } else if (value === null) asGiven = false
      else if (!isTyped(value, rule)) return null
      else if (typeof value === 'number') {
        if (rule.sentinels?.includes(value)) asGiven = false
        else if (value < rule.min || value > rule.max) flags |= FLAGS.out_of_range
      } else if (rule.upperCase && value !== String(value).toUpperCase()) asGiven = false
    }
    // Every value has just been checked against the type of its field.
    const fields = asGiven ? (values as AcceptedValues['fields']) : cleaned(values, rules)
    return { fields, flags, unknown }
  }
}

/** A definition with its defaults filled in. */
interface Rule {
  readonly type: FieldDefinition['type']
  readonly min: number
  readonly max: number
  readonly sentinels: readonly number[] | null
  readonly maxLength: number
  readonly values: readonly string[] | null
  readonly pattern: RegExp | null
  readonly upperCase: boolean
}

function ruleOf(field: FieldDefinition): Rule {
  return {
    type: field.type,
    min: field.min ?? -Infinity,
    max: field.max ?? Infinity,
    sentinels: field.sentinels ?? null,
    maxLength: field.maxLength ?? MAX_LENGTH,
    values: field.values ?? null,
    pattern: field.pattern ?? null,
    upperCase: field.upperCase ?? false,
  }
}

function isTyped(value: unknown, rule: Rule): value is FieldValue {
  if (typeof value !== rule.type) return false
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'string') return true
  if (rule.values) return rule.values.includes(value)
  return value.length <= rule.maxLength && (rule.pattern?.test(value) ?? true)
}

function cleaned(
  values: Readonly<Record<string, unknown>>,
  rules: ReadonlyMap<string, Rule>,
): AcceptedValues['fields'] {
  const fields: Record<string, FieldValue> = {}
  const noFix = isNoFix(values)
  for (const [name, value] of Object.entries(values)) {
    const rule = rules.get(name)
    if (rule === undefined || value === null || !isTyped(value, rule)) continue
    if (typeof value === 'number' && rule.sentinels?.includes(value)) continue
    if (noFix && (name === 'lat' || name === 'lon')) continue
    fields[name] = rule.upperCase && typeof value === 'string' ? value.toUpperCase() : value
  }
  return fields
}

/** The problem with accepted values: nothing is left to store, or a rule of the kind is broken. */
export function checkValues(
  kind: KindDefinition,
  fields: Readonly<Record<string, FieldValue>>,
  given: unknown,
): FieldProblem | null {
  if (!isEmpty(fields)) return kind.check?.(fields) ?? null
  return { path: '', expected: `at least one value of ${kind.name}`, got: describeNames(given) }
}

function isEmpty(fields: Readonly<Record<string, unknown>>): boolean {
  for (const name in fields) if (Object.hasOwn(fields, name)) return false
  return true
}

const MAX_SHOWN_NAMES = 5

function describeNames(given: unknown): string {
  if (typeof given !== 'object' || given === null) return 'nothing'
  const names = Object.keys(given)
  if (names.length === 0) return 'an empty object'
  const shown = names.slice(0, MAX_SHOWN_NAMES).map((name) => name.slice(0, 32))
  const more = names.length > MAX_SHOWN_NAMES ? ', ...' : ''
  return `no usable value, only ${shown.join(', ')}${more}`
}
