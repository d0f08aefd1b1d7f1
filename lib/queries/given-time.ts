import { parseDeviceTime, type TimeProblem } from '#lib/telemetry/time.ts'

/** When a time was given, and in which zone its calendar is. */
export interface TimeContext {
  readonly nowNs: bigint
  readonly timezone: string
}

/** A time in an address: its Unix ns, once it is known when and where it was given. */
export type GivenTime = (context: TimeContext) => bigint

const EXPECTED_TIME =
  'ISO 8601 with a zone, a date such as 2026-11-30, a time relative to now such as -15m, -7d or ' +
  '-1M, or Unix time'

/** In an address a bare `+` of a zone arrives as a blank. */
const LOST_PLUS = / (\d\d(?::?\d\d)?)$/
const DATE = /^\d{4}-\d\d-\d\d$/
const RELATIVE = /^-(\d{1,6})([smhdwMy])$/

const UNITS: Readonly<
  Record<string, 'seconds' | 'minutes' | 'hours' | 'days' | 'weeks' | 'months' | 'years'>
> = {
  s: 'seconds',
  m: 'minutes',
  h: 'hours',
  d: 'days',
  w: 'weeks',
  M: 'months',
  y: 'years',
}

/**
 * A time as people write it: exact, a date (its local midnight), or so long before now. Days, weeks,
 * months and years before now are those of the local calendar.
 */
export function parseGivenTime(text: string): GivenTime | TimeProblem {
  if (DATE.test(text)) return dateOf(text)
  const [, count, letter] = RELATIVE.exec(text) ?? []
  const unit = UNITS[letter ?? '']
  if (count && unit) {
    return ({ nowNs, timezone }) =>
      new Temporal.Instant(nowNs).toZonedDateTimeISO(timezone).subtract({ [unit]: Number(count) })
        .epochNanoseconds
  }
  const timeNs = parseDeviceTime(text.replace(LOST_PLUS, '+$1'))
  return typeof timeNs === 'bigint' ? () => timeNs : { expected: EXPECTED_TIME, got: text }
}

function dateOf(text: string): GivenTime | TimeProblem {
  try {
    const date = Temporal.PlainDate.from(text)
    return ({ timezone }) => date.toZonedDateTime(timezone).epochNanoseconds
  } catch (error) {
    if (error instanceof RangeError) return { expected: 'a date that exists', got: text }
    throw error
  }
}
