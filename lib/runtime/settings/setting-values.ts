import { isIP } from 'node:net'
import { z } from 'zod'

/*
 * What the value of a setting may be. Each schema states what is expected: the line a person reads is
 * `NAME=value: expected ...`.
 */

/** Number() alone would also take a blank (as 0), `0x10`, `1e3` and `Infinity`. */
const DECIMAL = /^-?\d+(\.\d+)?$/
const WHOLE = /^-?\d+$/
const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/
/** What a header of HTTP can carry without quoting. */
const VISIBLE_ASCII = /^[\x21-\x7E]+$/
const MIN_KEY_LENGTH = 16
const MIN_SHARED_SECRET_LENGTH = 32
const MAX_SHARE_LENGTH = 200
/** What MQTT 5 (4.8.2) allows in the name of a shared subscription, without blanks. */
const SHARE_NAME = /^[^\s/+#\p{Cc}]+$/u

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

/** Seconds in the environment, milliseconds in the program. */
export function milliseconds(minSeconds: number, maxSeconds: number) {
  return decimal(minSeconds, maxSeconds).transform((seconds) => seconds * 1000)
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

/** Fewer different characters are a key somebody typed, such as aaaaaaaaaaaaaaaa. */
const MIN_KEY_CHARACTERS = 8

export const key = visible(MIN_KEY_LENGTH).refine(
  (value) => new Set(value).size >= MIN_KEY_CHARACTERS,
  `expected a key that is hard to guess, with at least ${MIN_KEY_CHARACTERS} different characters; ` +
    `make one with: openssl rand -hex 24`,
)

/** Shared by two processes of this platform. */
export const sharedSecret = visible(MIN_SHARED_SECRET_LENGTH)

function visible(minLength: number) {
  return text(
    (value) => value.length >= minLength && VISIBLE_ASCII.test(value),
    `at least ${minLength} letters, digits and signs of ASCII, without blanks`,
  )
}

/** A name or password of a foreign server: whatever it takes. */
export const words = z
  .string()
  .refine((value) => value.trim() !== '', 'expected a text, not blanks')

/** The address of a server and, where its proxy needs one, a path; without a password. */
export const httpUrl = text(
  (value) => isUrl(value, ['http:', 'https:']) && !hasAccount(value) && !/[?#]/.test(value),
  'an address such as http://127.0.0.1:8086, without user, ? and #',
).transform((value) => value.replace(/\/+$/, ''))

export const httpUrls = listOf(httpUrl)

/** May hold user and password. */
export const mqttUrl = text(
  (value) => isUrl(value, ['mqtt:', 'mqtts:']) && !/[?#]/.test(value),
  'an address such as mqtts://user:password@broker.example:8883 (mqtt: without TLS)',
)

export const shareName = text(
  (value) => value.length <= MAX_SHARE_LENGTH && SHARE_NAME.test(value),
  `a name of up to ${MAX_SHARE_LENGTH} characters, without blanks, /, + and #`,
)

const topicFilter = text(
  isTopicFilter,
  'topic filters, comma separated, with + and # each alone in its level and # in the last one',
)
export const topicFilters = listOf(topicFilter)

/** Comma separated. */
function listOf(one: z.ZodType<string>) {
  return z.string().transform((value, context): readonly string[] => {
    const parts = value.split(',').map((part) => one.safeParse(part))
    const wrong = parts.find(({ success }) => !success)
    if (wrong?.error) {
      const message = wrong.error.issues.map((issue) => issue.message).join(', and ')
      context.addIssue({ code: 'custom', message })
    }
    return parts.flatMap(({ data }) => (data === undefined ? [] : [data]))
  })
}

function isUrl(value: string, protocols: readonly string[]): boolean {
  const url = URL.parse(value)
  return url !== null && protocols.includes(url.protocol) && url.hostname !== ''
}

function hasAccount(value: string): boolean {
  const url = URL.parse(value)
  return url !== null && (url.username !== '' || url.password !== '')
}

function isTopicFilter(filter: string): boolean {
  const levels = filter.split('/')
  return (
    filter !== '' &&
    !/\p{Cc}/u.test(filter) &&
    levels.every(
      (level, at) =>
        level === '+' || (level === '#' && at === levels.length - 1) || !/[+#]/.test(level),
    )
  )
}

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    // What Intl does not know is no zone.
    return false
  }
}
