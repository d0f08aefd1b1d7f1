import { MAX_LENGTH, type FieldValue } from '#lib/telemetry/field.ts'
import { readNumber } from './number-text.ts'
import { describe, show } from './wording.ts'

export type Values = Readonly<Record<string, unknown>>

/** What is wrong with a part of a payload, and where. */
export interface Problem {
  readonly path: readonly PropertyKey[]
  readonly expected: string
  readonly got: string
}

/** A name of a payload convention and the field it becomes. */
export interface SourceField {
  readonly from: string
  readonly to: string
  readonly type: 'number' | 'integer' | 'string' | 'boolean'
  /** The unit of the field is `times / per` of the unit sent; a ratio keeps digits exact. */
  readonly times?: number
  readonly per?: number
  /** "Not available", told before the unit is converted (docs/domain.md 8.4). */
  readonly none?: readonly (number | string)[]
  /** The same for the converted value. */
  readonly isNone?: (field: string, value: number) => boolean
  readonly required?: boolean
}

export interface Part {
  readonly values: Values
  /** Where the values stand in the payload. */
  readonly path: readonly PropertyKey[]
  readonly fields: readonly SourceField[]
  /**
   * Numbers may come as text, and 0 and 1 for no and yes (docs/domain.md 8.2: by convention only).
   */
  readonly loose?: boolean
}

/**
 * Adds what the table names to the fields. Of two names for one field the first that has a value
 * counts. The answer is the first value that is not of its type.
 */
export function takeFields(part: Part, into: Record<string, FieldValue>): Problem | null {
  const { values, fields, loose = false } = part
  for (const field of fields) {
    const given = values[field.from]
    if (given === undefined || given === null) {
      if (!field.required) continue
      return problemAt(part, field, { expected: TYPE_WORDS[field.type], got: describe(given) })
    }
    const value = valueOf(given, field.type, loose)
    if (value === null) return problemAt(part, field, wordsFor(given, field.type, loose))
    if (into[field.to] !== undefined || isNoValue(field, value)) continue
    const converted = convert(value, field)
    if (typeof converted === 'number') {
      if (!Number.isFinite(converted)) return problemAt(part, field, TOO_LARGE)
      if (field.isNone?.(field.to, converted)) continue
    }
    into[field.to] = converted
  }
  return null
}

function problemAt({ path }: Part, { from }: SourceField, words: Omit<Problem, 'path'>): Problem {
  return { path: [...path, from], ...words }
}

function isNoValue({ none }: SourceField, value: FieldValue): boolean {
  return none !== undefined && typeof value !== 'boolean' && none.includes(value)
}

const LOOSE_BOOLEAN = 'true or false, or 1 or 0'
const TYPE_WORDS = {
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

function wordsFor(given: unknown, type: SourceField['type'], loose: boolean) {
  if (type === 'string' && typeof given === 'string') {
    return { expected: `at most ${MAX_LENGTH} characters`, got: `${given.length} characters` }
  }
  return {
    expected: type === 'boolean' && loose ? LOOSE_BOOLEAN : TYPE_WORDS[type],
    got: show(given),
  }
}

function convert(value: FieldValue, { times = 1, per = 1 }: SourceField): FieldValue {
  return typeof value === 'number' ? (value * times) / per : value
}
