import { z } from 'zod'
import { KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import { parseDeviceTime, parseDuration, type TimeProblem } from '#lib/telemetry/time.ts'

export const LOCALES = ['en', 'da'] as const
export type Locale = (typeof LOCALES)[number]

/** The most intervals one answer is divided into. */
export const MAX_INTERVALS = 10_000
export const MAX_LIMIT = 10_000
const DEFAULT_LIMIT = 1000
/** Names in one comma list: more of them ask for everything instead. */
const MAX_NAMES = 500
const MAX_NAME_LENGTH = 200

function parsed<T extends bigint>(parse: (text: string) => T | TimeProblem, about: string) {
  return z
    .string()
    .transform((text, context) => {
      const value = parse(text)
      if (typeof value === 'bigint') return value
      context.addIssue({ code: 'custom', message: `expected ${value.expected}`, input: text })
      return z.NEVER
    })
    .optional()
    .describe(about)
}

/** In an address a bare `+` of a zone arrives as a blank. */
const LOST_PLUS = / (\d\d(?::?\d\d)?)$/

const time = (about: string) =>
  parsed((text) => parseDeviceTime(text.replace(LOST_PLUS, '+$1')), about)

/** Comma list; the parameter may also be given several times. */
function listOf<T extends string>(isItem: (text: string) => text is T, item: Item) {
  return z
    .union([z.string(), z.array(z.string())])
    .transform((given, context): readonly T[] => {
      const texts = [given].flat().flatMap((text) => text.split(','))
      const names = [...new Set(texts.map((text) => text.trim()))]
      const items = names.filter(isItem)
      const wrong = names.find((name) => !isItem(name))
      if (wrong === undefined && items.length <= MAX_NAMES) return items
      const [message, input] =
        wrong === undefined
          ? [`expected at most ${MAX_NAMES} entries`, items.length]
          : [`expected ${item.expected}`, wrong]
      context.addIssue({ code: 'custom', message, input })
      return z.NEVER
    })
    .optional()
    .describe(item.about)
}

interface Item {
  readonly expected: string
  readonly about: string
}

const isName = (text: string): text is string => text !== '' && text.length <= MAX_NAME_LENGTH

function namesParameter(about: string) {
  const expected = `names of 1 to ${MAX_NAME_LENGTH} characters, divided by commas`
  return listOf(isName, { expected, about })
}

/** Comma list of words from a table, each checked. */
export function wordsParameter<T extends string>(words: readonly T[], about: string, hint = '') {
  const isWord = (text: string): text is T => words.some((word) => word === text)
  const all = words.join(', ')
  return listOf(isWord, { expected: `one of ${all}${hint}`, about: `${about}: ${all}.` })
}

export const spanParameters = {
  from: time('Start, included: ISO 8601 with zone, or Unix time. Default: 24 h before `to`.'),
  to: time('End, not included: ISO 8601 with zone, or Unix time. Default: now.'),
}

export const everyParameter = {
  every: parsed(parseDuration, 'Length of the intervals: PT15M, P1D, or 15m, 1h, 1d.'),
}

export const pageParameters = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_LIMIT)
    .default(DEFAULT_LIMIT)
    .describe('Rows per page.'),
  cursor: z.string().min(1).max(4000).optional().describe('The `next` of the page before.'),
}

export const orderParameter = {
  order: z.enum(['asc', 'desc']).default('asc').describe('By time.'),
}

export const deviceParameters = {
  device: namesParameter('Only these devices: full ids, divided by commas.'),
  tenant: namesParameter('Only these tenants: ids, divided by commas.'),
}

export const kindsParameter = {
  kind: wordsParameter(KIND_NAMES, 'Only these kinds'),
}

export const fieldsParameter = {
  fields: namesParameter('Only these fields, divided by commas.'),
}

/** What every list and series takes beside its own parameters. */
export const formatParameters = {
  as: z
    .enum(['json', 'csv', 'parquet'])
    .optional()
    .describe('Does what the Accept header does: text/csv instead of application/json.'),
  locale: z.enum(LOCALES).default('en').describe('Of CSV: da gives semicolons and decimal commas.'),
}
