/*
 * Line protocol, as https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/
 * describes it. Names and tags know no escape for a backslash at their end or for control
 * characters; these become other characters, so that a line can never become two.
 */

export type PointField = number | bigint | boolean | string

export interface Point {
  readonly measurement: string
  readonly tags: Readonly<Record<string, string>>
  /** A bigint is written as an integer, a number as a float. */
  readonly fields: Readonly<Record<string, PointField>>
  readonly timeNs: bigint
}

/** One line; tags without a value are left out, and so are numbers that are not finite. */
export function pointLine({ measurement, tags, fields, timeNs }: Point): string {
  let line = escapeMeasurement(measurement)
  for (const [key, value] of Object.entries(tags)) {
    if (value !== '') line += `,${escapeTag(key)}=${escapeTag(value)}`
  }
  let separator = ' '
  for (const [key, value] of Object.entries(fields)) {
    if (typeof value === 'number' && !Number.isFinite(value)) continue
    line += `${separator}${escapeTag(key)}=${fieldText(value)}`
    separator = ','
  }
  if (separator === ' ') throw new RangeError(`expected a point of ${measurement} to have a field`)
  return `${line} ${timeNs}`
}

export function fieldText(value: PointField): string {
  if (typeof value === 'string') return `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`
  if (typeof value === 'bigint') return `${value}i`
  return Object.is(value, -0) ? '-0' : String(value)
}

const SPECIAL = /[\p{Cc}\\,= ]/u

/** Escapes a tag key, a tag value or a field key. */
export function escapeTag(text: string): string {
  return SPECIAL.test(text) ? writable(text).replaceAll(/[,= ]/g, String.raw`\$&`) : text
}

function escapeMeasurement(name: string): string {
  return SPECIAL.test(name) ? writable(name).replaceAll(/[, ]/g, String.raw`\$&`) : name
}

function writable(text: string): string {
  return text
    .replaceAll(/\p{Cc}/gu, ' ')
    .replace(/\\+$/, (end) => '/'.repeat(end.length))
    .replaceAll(/\\+(?=[,= ])/g, (run) => '/'.repeat(run.length))
}
