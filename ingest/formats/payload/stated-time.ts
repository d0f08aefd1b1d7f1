import { FLAGS } from '#lib/telemetry/flags.ts'
import { parseDeviceTime, type TimeProblem } from '#lib/telemetry/time.ts'
import { show } from './reason.ts'

/**
 * The time of an element, or null with `clock_invalid` where a text gives none that can be used.
 */
export interface StatedTime {
  readonly timeNs: bigint | null
  readonly flags: number
}

const LOCAL = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?$/
const DIGITS = /^-?\d+(?:\.\d+)?$/

const EXPECTED = 'ISO 8601 with a zone, such as 2025-11-24T16:00:00.123Z'

/**
 * An ISO 8601 time as a format demands it. One without a zone is a local time of `zone`; where no
 * zone is configured it is not guessed: the receive time stands in, flagged (docs/domain.md 8.3).
 */
export function readStatedTime(value: unknown, zone: string | null): StatedTime | TimeProblem {
  if (typeof value !== 'string' || DIGITS.test(value)) {
    return { expected: EXPECTED, got: typeof value === 'string' ? show(value) : typeof value }
  }
  if (LOCAL.test(value)) return readLocalTime(value, zone)
  const timeNs = parseDeviceTime(value)
  if (typeof timeNs === 'bigint') return { timeNs, flags: 0 }
  return { expected: EXPECTED, got: show(value) }
}

const UNKNOWN: StatedTime = { timeNs: null, flags: FLAGS.clock_invalid }

/**
 * Of the hour that comes twice in autumn a local time is the first; one in the hour that spring
 * leaves out is moved on by an hour.
 */
function readLocalTime(value: string, zone: string | null): StatedTime | TimeProblem {
  const local = attempt(() => Temporal.PlainDateTime.from(value.replace(',', '.')))
  if (!local) return { expected: 'a date and time that exist', got: show(value) }
  const instant = zone === null ? null : attempt(() => local.toZonedDateTime(zone).toInstant())
  if (!instant) return UNKNOWN
  // Through its text, because parseDeviceTime clamps times beyond 64 bits of ns.
  const timeNs = parseDeviceTime(instant.toString())
  return typeof timeNs === 'bigint' ? { timeNs, flags: 0 } : UNKNOWN
}

/** Null for a day that does not exist, and for a zone that the settings spell wrong. */
function attempt<T>(make: () => T): T | null {
  try {
    return make()
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** The IANA zone a setting names, or null. */
export function zoneOf(setting: unknown): string | null {
  return typeof setting === 'string' && setting !== '' ? setting : null
}
