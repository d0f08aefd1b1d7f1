import { isIP } from 'node:net'
import { z } from 'zod'

/*
 * What the value of a setting may be. Each schema says in its own words what is expected: the line a
 * person reads is `NAME=value: expected ...`.
 */

/** Number() alone would also take a blank (as 0), `0x10`, `1e3` and `Infinity`. */
const DECIMAL = /^-?\d+(\.\d+)?$/
const WHOLE = /^-?\d+$/
const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/
/** What a header of HTTP can carry without quoting. */
const VISIBLE_ASCII = /^[\x21-\x7E]{16,}$/

function text(isValid: (value: string) => boolean, expected: string) {
  return z.string().trim().refine(isValid, `expected ${expected}`)
}

function isBetween(pattern: RegExp, min: number, max: number) {
  return (value: string) => pattern.test(value) && Number(value) >= min && Number(value) <= max
}

export function whole(min: number, max: number) {
  return text(isBetween(WHOLE, min, max), `a whole number from ${min} to ${max}`).transform(Number)
}

export function decimal(min: number, max: number) {
  return text(isBetween(DECIMAL, min, max), `a number from ${min} to ${max}`).transform(Number)
}

export function oneOf<const T extends string>(...values: T[]) {
  const error = `expected ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}`
  return z.enum(values, { error })
}

const isPort = isBetween(WHOLE, 0, 65_535)

/** A TCP port, `off`, or 0 for any free port. */
export const port = text(
  (value) => value === 'off' || isPort(value),
  'a whole number from 0 to 65535 (0 takes any free port), or off',
).transform((value) => (value === 'off' ? value : Number(value)))

export const path = z
  .string()
  .refine((value) => value.trim() !== '' && !value.includes('\u0000'), 'expected a path')

export const host = text(
  (value) => isIP(value) !== 0 || HOST_NAME.test(value),
  'an IP address or a host name, without port, brackets and scheme',
)

export const timeZone = text(isTimeZone, 'an IANA time zone such as Europe/Copenhagen')

export const key = text(
  (value) => VISIBLE_ASCII.test(value),
  'at least 16 letters, digits and signs of ASCII, without blanks',
)

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    // What Intl does not know is no zone.
    return false
  }
}
