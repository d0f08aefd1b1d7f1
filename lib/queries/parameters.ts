import { z } from 'zod'
import { KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import { RAT_CHOICES } from '#lib/telemetry/radio.ts'
import { parseEvery, type Every } from '#lib/kpi/calendar.ts'
import type { TimeProblem } from '#lib/telemetry/time.ts'
import { parseGivenTime } from './given-time.ts'

export const LOCALES = ['en', 'da'] as const
export type Locale = (typeof LOCALES)[number]

/** The most intervals one answer is divided into. */
export const MAX_INTERVALS = 10_000
/** The same for intervals of the calendar: each of them is a scan of its own. */
export const MAX_CALENDAR_INTERVALS = 2000
export const MAX_LIMIT = 10_000
const DEFAULT_LIMIT = 1000
/** Names in one comma list: more of them ask for everything instead. */
const MAX_NAMES = 500
const MAX_NAME_LENGTH = 200

function parsed<T extends object>(parse: (text: string) => T | TimeProblem, about: string) {
  return z
    .string()
    .transform((text, context) => {
      const value = parse(text)
      if (!('expected' in value)) return value
      context.addIssue({ code: 'custom', message: `expected ${value.expected}`, input: text })
      return z.NEVER
    })
    .optional()
    .describe(about)
}

/** Comma list; the parameter may also be given several times. */
function listOf<T extends string>(isItem: (text: string) => text is T, item: Item) {
  return z
    .union([z.string(), z.array(z.string())])
    .transform((given, context): readonly T[] => {
      const texts = [given].flat().flatMap((text) => text.split(','))
      const names = [...new Set(texts.map((text) => spelled(text.trim(), item)))]
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

function spelled(text: string, { aliases = {} }: Item): string {
  return Object.hasOwn(aliases, text) ? (aliases[text] ?? text) : text
}

interface Item {
  readonly expected: string
  readonly about: string
  readonly aliases?: Readonly<Record<string, string>>
}

const isName = (text: string): text is string => text !== '' && text.length <= MAX_NAME_LENGTH

function namesParameter(about: string) {
  const expected = `names of 1 to ${MAX_NAME_LENGTH} characters, divided by commas`
  return listOf(isName, { expected, about })
}

interface WordOptions<T extends string> {
  /** Follows the words in the text of an error. */
  readonly hint?: string
  /** Other spellings that are accepted. */
  readonly aliases?: Readonly<Record<string, T>>
}

/** Comma list of words from a table, each checked. */
export function wordsParameter<T extends string>(
  words: readonly T[],
  about: string,
  { hint = '', aliases = {} }: WordOptions<T> = {},
) {
  const isWord = (text: string): text is T => words.some((word) => word === text)
  const all = words.join(', ')
  const expected = `one of ${all}${hint}`
  return listOf(isWord, { expected, about: `${about}: ${all}.`, aliases })
}

const TIMES =
  'ISO 8601 with zone, a date (local midnight), a time before now (-15m, -7d, -1M), or Unix time'

export const spanParameters = {
  from: parsed(parseGivenTime, `Start, included: ${TIMES}. Default: 24 h before \`to\`.`),
  to: parsed(parseGivenTime, `End, not included: ${TIMES}. Default: now.`),
}

export interface EveryParameter {
  /** As it was written. */
  readonly text: string
  readonly every: Every
}

/** Equal for equal intervals, however they were written. */
export function everyKey(given: EveryParameter | undefined): string | null {
  if (!given) return null
  const { every } = given
  if (every.unit === 'ns') return String(every.lengthNs)
  return `${every.count} ${every.unit}`
}

export const everyParameter = {
  every: parsed((text): EveryParameter | TimeProblem => {
    const every = parseEvery(text)
    return 'unit' in every ? { text, every } : every
  }, 'Length of the intervals: 15m, PT1H; 1d, P1D, P1W, P1M, P1Y follow the local calendar.'),
}

/** Percentiles of one result, beside those that every row has. */
const MAX_PERCENTILES = 20
const PERCENTILE = /^(?:100|\d{1,2}(?:\.\d{1,3})?)$/

export const percentilesParameter = {
  percentiles: z
    .union([z.string(), z.array(z.string())])
    .transform((given, context): readonly number[] => {
      const texts = [given].flat().flatMap((text) => text.split(','))
      const wrong = texts.find((text) => !PERCENTILE.test(text.trim()) || Number(text) === 0)
      if (wrong === undefined && texts.length <= MAX_PERCENTILES) {
        return [...new Set(texts.map(Number))]
      }
      const most = `at most ${MAX_PERCENTILES} numbers above 0 and up to 100, such as 50,90,99.9`
      context.addIssue({
        code: 'custom',
        message: `expected ${most}`,
        input: wrong ?? texts.length,
      })
      return z.NEVER
    })
    .optional()
    .describe('Columns beside p50Ms, p95Ms and p99Ms: 50,90,99.9 adds p90Ms and p99.9Ms.'),
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

export const ratParameter = {
  rat: wordsParameter(
    RAT_CHOICES,
    'Only raw readings over these radio technologies, none for those that name no technology',
  ),
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
