import { MAX_LENGTH, type FieldValue } from '#lib/telemetry/field.ts'
import { readNumber } from '../payload/number-text.ts'
import type { Problem, Values } from '../payload/problem.ts'
import { describe, show } from '../payload/reason.ts'

/** A name of a payload convention and the field it becomes. */
export interface SourceField {
  readonly from: string
  readonly to: string
  readonly type: 'number' | 'integer' | 'string' | 'boolean'
  /** The unit of the field is `times / per` of the unit sent; a ratio keeps digits exact. */
  readonly times?: number
  readonly per?: number
  /** "Not available", checked before the unit is converted (docs/domain.md 8.4). */
  readonly none?: readonly (number | string)[]
  /** The same for the converted value. */
  readonly isNone?: (field: string, value: number) => boolean
  readonly required?: boolean
}

export interface Part {
  readonly values: Values
  /** The path of the values in the payload. */
  readonly path: readonly PropertyKey[]
  readonly fields: readonly SourceField[]
  /**
   * Numbers may come as text, and 0 and 1 for no and yes (docs/domain.md 8.2: by convention only).
   */
  readonly loose?: boolean
}

/**
 * Adds the values that the table names to the fields. Of two names for one field the first that has
 * a value counts. Returns the first value that is not of its type.
 */
export function takeFields(part: Part, into: Record<string, FieldValue>): Problem | null {
  const { values, fields, loose = false } = part
  for (const field of fields) {
    const given = values[field.from]
    if (given === undefined || given === null) {
      if (!field.required) continue
      return problemAt(part, field, { expected: TYPE_NAMES[field.type], got: describe(given) })
    }
    const value = valueOf(given, field.type, loose)
    if (value === null) return problemAt(part, field, expectationOf(given, field.type, loose))
    if (into[field.to] !== undefined || isNoValue(field, value)) continue
    const converted = inFieldUnit(value, field)
    if (typeof converted === 'number') {
      if (!Number.isFinite(converted)) return problemAt(part, field, TOO_LARGE)
      if (field.isNone?.(field.to, converted)) continue
    }
    into[field.to] = converted
  }
  return null
}

function problemAt({ path }: Part, { from }: SourceField, reason: Omit<Problem, 'path'>): Problem {
  return { path: [...path, from], ...reason }
}

function isNoValue({ none }: SourceField, value: FieldValue): boolean {
  return none !== undefined && typeof value !== 'boolean' && none.includes(value)
}

const LOOSE_BOOLEAN = 'true or false, or 1 or 0'
const TYPE_NAMES = {
  number: 'number',
  integer: 'whole number',
  string: 'string',
  boolean: 'boolean',
} as const

const TOO_LARGE = { expected: 'number', got: 'a number too large' }

function valueOf(value: unknown, type: SourceField['type'], loose: boolean): FieldValue | null {
  if (type === 'number' || type === 'integer') {
    const number = loose || typeof value === 'number' ? readNumber(value) : null
    return type === 'number' || Number.isInteger(number) ? number : null
  }
  if (type === 'string') {
    return typeof value === 'string' && value.length <= MAX_LENGTH ? value : null
  }
  if (typeof value === 'boolean') return value
  const number = loose ? readNumber(value) : null
  return number === 0 || number === 1 ? number === 1 : null
}

function expectationOf(given: unknown, type: SourceField['type'], loose: boolean) {
  if (type === 'string' && typeof given === 'string') {
    return { expected: `at most ${MAX_LENGTH} characters`, got: `${given.length} characters` }
  }
  return {
    expected: type === 'boolean' && loose ? LOOSE_BOOLEAN : TYPE_NAMES[type],
    got: show(given),
  }
}

function inFieldUnit(value: FieldValue, { times = 1, per = 1 }: SourceField): FieldValue {
  return typeof value === 'number' ? (value * times) / per : value
}
