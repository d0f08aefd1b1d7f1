import type { Span } from '#lib/telemetry/span.ts'
import { parseDuration, type TimeProblem } from '#lib/telemetry/time.ts'
import { HOUR_NS } from '#lib/telemetry/time-grid.ts'

/** The length of an interval of a series: fixed, or a number of local days, weeks, months, years. */
export type Every =
  | { readonly unit: 'ns'; readonly lengthNs: bigint }
  | { readonly unit: CalendarUnit; readonly count: number }

export type CalendarUnit = 'days' | 'weeks' | 'months' | 'years'

/** An interval of a series: its calendar start, and the part of it that the span holds. */
export interface CalendarBucket extends Span {
  /** Where the whole interval begins; before `fromNs` where the span cuts it. */
  readonly startNs: bigint
}

const EXPECTED_EVERY =
  'a duration above zero such as 30s, 15m, 1h, 1d, 1w, PT15M, PT1H, P1D, P1W, P1M or P1Y'

/** More than five years of hours; a longer series is a mistake in the query. */
const MAX_BUCKETS = 100_000

const CALENDAR = /^(?:P(\d{1,4})([DWMY])|(\d{1,4})([dw]))$/

const UNITS: Readonly<Record<string, CalendarUnit>> = {
  D: 'days',
  W: 'weeks',
  M: 'months',
  Y: 'years',
}

/**
 * `every` of a query: `PT15M`, `1h` have a fixed length; `P1D`, `1d`, `P1W`, `P1M`, `P1Y` follow
 * the local calendar, whose days have 23 to 25 hours.
 */
export function parseEvery(text: string): Every | TimeProblem {
  const [, long, longUnit, short, shortUnit] = CALENDAR.exec(text) ?? []
  const unit = UNITS[(longUnit ?? shortUnit ?? '').toUpperCase()]
  if (!unit) {
    const lengthNs = parseDuration(text)
    if (typeof lengthNs === 'bigint') return { unit: 'ns', lengthNs }
    return { expected: EXPECTED_EVERY, got: text }
  }
  const count = Number(long ?? short)
  return count > 0 ? { unit, count } : { expected: EXPECTED_EVERY, got: text }
}

/**
 * The intervals that a span touches, in order and without a gap; the first and the last are cut to
 * the span. Fixed lengths count from 1970 in UTC, weeks begin on Monday, the others on the local
 * first. Throws a RangeError for a zone that does not exist.
 */
export function calendarBuckets(
  span: Span,
  every: Every,
  timeZone: string,
): readonly CalendarBucket[] | TimeProblem {
  const { fromNs, toNs } = span
  if (fromNs >= toNs) return []
  if ((toNs - fromNs) / shortestNs(every) > BigInt(MAX_BUCKETS)) {
    return {
      expected: `at most ${MAX_BUCKETS} intervals`,
      got: 'a longer span or shorter intervals',
    }
  }
  const buckets: CalendarBucket[] = []
  const starts =
    every.unit === 'ns' ? fixedStarts(fromNs, every) : localStarts(fromNs, every, timeZone)
  let startNs: bigint | null = null
  for (const nextNs of starts) {
    if (startNs !== null) {
      const from = startNs > fromNs ? startNs : fromNs
      buckets.push({ startNs, fromNs: from, toNs: nextNs < toNs ? nextNs : toNs })
    }
    if (nextNs >= toNs) break
    startNs = nextNs
  }
  return buckets
}

/** One hour less than the rule, for the day on which the clock goes forward. */
const SHORTEST_NS: Readonly<Record<CalendarUnit, bigint>> = {
  days: 23n * HOUR_NS,
  weeks: 167n * HOUR_NS,
  months: 671n * HOUR_NS,
  years: 8759n * HOUR_NS,
}

/** The least time that an interval can last. */
export function shortestNs(every: Every): bigint {
  return every.unit === 'ns' ? every.lengthNs : SHORTEST_NS[every.unit] * BigInt(every.count)
}

function* fixedStarts(fromNs: bigint, { lengthNs }: { lengthNs: bigint }): Generator<bigint> {
  const rest = ((fromNs % lengthNs) + lengthNs) % lengthNs
  for (let startNs = fromNs - rest; ; startNs += lengthNs) yield startNs
}

function* localStarts(
  fromNs: bigint,
  { unit, count }: { unit: CalendarUnit; count: number },
  timeZone: string,
): Generator<bigint> {
  const local = new Temporal.Instant(fromNs).toZonedDateTimeISO(timeZone).toPlainDate()
  let date = firstDay(local, unit, count)
  for (;;) {
    yield date.toZonedDateTime({ timeZone }).epochNanoseconds
    date = date.add({ [unit]: count })
  }
}

/** The Monday of 1970 from which weeks count. */
const MONDAY = new Temporal.PlainDate(1970, 1, 5)
const FIRST = new Temporal.PlainDate(1970, 1, 1)

/** The first day of the interval that holds a day. Intervals of several units count from 1970. */
function firstDay(day: Temporal.PlainDate, unit: CalendarUnit, count: number): Temporal.PlainDate {
  const origin = unit === 'weeks' ? MONDAY : FIRST
  const units = origin.until(day, { largestUnit: unit, smallestUnit: unit, roundingMode: 'floor' })
  const whole = Math.floor(units[unit] / count) * count
  return origin.add({ [unit]: whole })
}
