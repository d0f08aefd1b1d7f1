import { z } from 'zod'

/**
 * A setting of a device in the registry. Declared beside the kind or the format that
 * reads it; the registry checks by it, and forms and documents are made of it.
 */
export interface SettingDefinition {
  readonly schema: z.ZodType
  /** Unit as a symbol, '' where there is none. */
  readonly unit: string
  /** One sentence for people. */
  readonly description: string
  /** What a value must be, to follow the word "expected". */
  readonly expected: string
  /** A change gives figures another meaning: earlier values stay known with their validity. */
  readonly changesFigures: boolean
}

export type Settings = Readonly<Record<string, SettingDefinition>>

interface Words {
  readonly description: string
  readonly changesFigures?: boolean
}

interface NumberWords extends Words {
  readonly unit: string
  readonly min: number
  readonly max: number
  readonly whole?: boolean
}

export function numberSetting({ unit, min, max, whole = false, ...words }: NumberWords) {
  const schema = (whole ? z.int() : z.number()).min(min).max(max)
  const expected = `a ${whole ? 'whole ' : ''}number from ${min} to ${max}${unit && ` ${unit}`}`
  return setting(schema, expected, words, unit)
}

export function choiceSetting(values: readonly string[], words: Words): SettingDefinition {
  return setting(z.enum(values), `one of ${values.join(', ')}`, words)
}

/** `isOne` is no part of the JSON schema: only for what a pattern cannot say. */
export function textSetting(
  expected: string,
  words: Words & { readonly pattern?: RegExp; readonly isOne?: (text: string) => boolean },
): SettingDefinition {
  const { pattern, isOne = isText, ...rest } = words
  const text = z.string().min(1).max(MAX_TEXT)
  const schema = (pattern ? text.regex(pattern) : text).refine((value) => isOne(value))
  return setting(schema, expected, rest)
}

export function flagSetting(words: Words): SettingDefinition {
  return setting(z.boolean(), 'true or false', words)
}

export function setting(
  schema: z.ZodType,
  expected: string,
  { description, changesFigures = false }: Words,
  unit = '',
): SettingDefinition {
  const extras = { ...(unit === '' ? {} : { unit }), ...(changesFigures ? { changesFigures } : {}) }
  return {
    schema: schema.meta({ description, ...extras }),
    unit,
    description,
    expected,
    changesFigures,
  }
}

/** Longest text of a setting. */
export const MAX_TEXT = 4096

function isText(value: string): boolean {
  return value.trim() !== '' && value.isWellFormed()
}
