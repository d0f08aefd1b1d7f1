import { DAY_NS } from './time-grid.ts'

/** A time or a duration that cannot be read. */
export interface TimeProblem {
  readonly expected: string
  readonly got: string
}

/** 2015-01-01: before the first device, after every unset clock (1970, 1980, 2004). */
const EARLIEST_NS = 1_420_070_400_000_000_000n

/**
 * Whether a device clock can be right: years from 2015, at most a day ahead (docs/domain.md 8.3).
 */
export function plausibleTime(timeNs: bigint, nowNs: bigint): boolean {
  return timeNs >= EARLIEST_NS && timeNs <= nowNs + DAY_NS
}

const EXPECTED_TIME =
  'Unix time in s, ms or us as a number, in ns as a string, or ISO 8601 with a zone'

/**
 * The exact time a device gives for a reading, in Unix ns: Unix time as a number in s, ms or us,
 * distinguished by magnitude (docs/domain.md 8.3); digits in a string also in ns, which a double
 * cannot hold; or ISO 8601 with a zone and up to 9 fractional digits. A wrong clock is no problem
 * here (see `plausibleTime`); times outside 1677-2262 become the nearest that 64 bits of ns can
 * hold.
 */
export function parseDeviceTime(value: unknown): bigint | TimeProblem {
  if (typeof value === 'number') return parseNumber(value)
  if (typeof value === 'string') {
    return /^-?\d+(?:\.\d+)?$/.test(value) ? parseDigits(value) : parseIso(value)
  }
  return problem(EXPECTED_TIME, value)
}

/** Upper ends of the magnitudes of Unix time: year 5138 in s, in ms, in us. */
const S_BELOW = 1e11
const MS_BELOW = 1e14
const US_BELOW = 1e17

function parseNumber(value: number): bigint | TimeProblem {
  const size = Math.abs(value)
  if (!(size < US_BELOW))
    return problem('Unix time in ns as a string: a number loses digits', value)
  if (Number.isInteger(value)) return clamp(BigInt(value) * factorOf(size))
  // The shortest decimal of a double is what its sender wrote: .123 stays 123 ms.
  return parseDigits(size < 1e-6 ? value.toFixed(9) : String(value))
}

function factorOf(size: number): bigint {
  if (size < S_BELOW) return 1_000_000_000n
  return size < MS_BELOW ? 1_000_000n : 1000n
}

/** Longer than any time in ns; no BigInt is made of a string of a megabyte. */
const MAX_DIGITS = 40

function parseDigits(text: string): bigint | TimeProblem {
  if (text.length > MAX_DIGITS) return problem(EXPECTED_TIME, text)
  const negative = text.startsWith('-')
  const [whole = '', fraction = ''] = text.slice(negative ? 1 : 0).split('.')
  const size = Number(whole)
  const factor = size < US_BELOW ? factorOf(size) : 1n
  const digits = factor.toString().length - 1
  const part = BigInt(fraction.slice(0, digits).padEnd(digits, '0') || '0')
  const ns = BigInt(whole) * factor + part
  return clamp(negative ? -ns : ns)
}

const ISO =
  /^[+-]?\d{4,6}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d\d(?::?\d\d)?)$/

function parseIso(text: string): bigint | TimeProblem {
  if (!ISO.test(text)) return problem(EXPECTED_TIME, text)
  try {
    return clamp(Temporal.Instant.from(text).epochNanoseconds)
  } catch (error) {
    // The form is right, but the day, hour or offset does not exist.
    if (error instanceof RangeError) return problem('a date and time that exist', text)
    throw error
  }
}

const MAX_NS = 9_223_372_036_854_775_807n
const MIN_NS = -9_223_372_036_854_775_808n

function clamp(ns: bigint): bigint {
  if (ns > MAX_NS) return MAX_NS
  return ns < MIN_NS ? MIN_NS : ns
}

const EXPECTED_DURATION = 'a duration such as PT15M, P1D, 15m, 1h, 1d or 30s'

const UNIT_NS: Readonly<Record<string, bigint>> = {
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: DAY_NS,
  w: 7n * DAY_NS,
}

/** At most 9 digits each: 31 years of seconds, far below what 64 bits of ns hold in days. */
const SHORT = /^(\d{1,9})([smhdw])$/
const LONG =
  /^P(?=[\dT])(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?$/

/**
 * A fixed duration in ns: ISO 8601 (`PT15M`, `P1D`) or short (`15m`). Days are 24 hours; months and
 * years have no fixed length and are refused.
 */
export function parseDuration(text: string): bigint | TimeProblem {
  const ns = shortNs(text) ?? longNs(text)
  if (ns === null) return problem(EXPECTED_DURATION, text)
  if (ns === 0n) return problem('a duration above zero', text)
  return ns > MAX_NS ? problem('a duration below 292 years', text) : ns
}

function shortNs(text: string): bigint | null {
  const [, count, unit] = SHORT.exec(text) ?? []
  return count && unit ? BigInt(count) * (UNIT_NS[unit] ?? 0n) : null
}

function longNs(text: string): bigint | null {
  const match = LONG.exec(text)
  if (!match) return null
  const [, ...counts] = match
  return ['w', 'd', 'h', 'm', 's'].reduce(
    (sum, unit, at) => sum + BigInt(counts[at] ?? '0') * (UNIT_NS[unit] ?? 0n),
    0n,
  )
}

const MAX_SHOWN_LENGTH = 48

function problem(expected: string, value: unknown): TimeProblem {
  if (typeof value === 'string') {
    const shown = value.length > MAX_SHOWN_LENGTH ? `${value.slice(0, MAX_SHOWN_LENGTH)}...` : value
    return { expected, got: JSON.stringify(shown) }
  }
  if (typeof value === 'number') return { expected, got: String(value) }
  if (value === null) return { expected, got: 'null' }
  return { expected, got: Array.isArray(value) ? 'array' : typeof value }
}
