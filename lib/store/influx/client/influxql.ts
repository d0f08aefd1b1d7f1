import { KIND_NAMES, type Kind } from '#lib/telemetry/catalogue.ts'
import type { RatChoice } from '#lib/telemetry/radio.ts'
import type { Scope } from '#lib/telemetry/scope.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { ceilMs, floorMs } from '../write/point-time.ts'

/** A text as an InfluxQL literal: backslash and quote are escaped, line breaks too. */
export function literal(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll("'", String.raw`\'`)
    .replaceAll('\n', String.raw`\n`)
  return `'${escaped}'`
}

/** A name as an InfluxQL identifier. */
export function identifier(name: string): string {
  const escaped = name
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
  return `"${escaped}"`
}

/** Conditions joined with AND; there is always one, of time. */
export function allOf(conditions: readonly string[]): string {
  return conditions.join(' AND ')
}

/** One of the texts; null where the list is empty and nothing fulfils it. */
export function isOneOf(tag: string, values: readonly string[]): string | null {
  if (values.length === 0) return null
  return `(${values.map((value) => `${identifier(tag)} = ${literal(value)}`).join(' OR ')})`
}

/** Conditions on the tags; null where a scope lets nothing through. Its kinds are measurements. */
export function scopeConditions({ tenants, devices }: Scope): string[] | null {
  const conditions: string[] = []
  for (const [tag, values] of [
    ['tenant', tenants],
    ['device', devices],
  ] as const) {
    if (values === null) continue
    const condition = isOneOf(tag, values)
    if (condition === null) return null
    conditions.push(condition)
  }
  return conditions
}

/** Readings over the technologies chosen; null lets all through. A missing tag is an empty one. */
export function ratConditions(rats: readonly RatChoice[] | null | undefined): string[] {
  if (!rats) return []
  const values = rats.map((rat) => (rat === 'none' ? '' : rat))
  return [isOneOf('rat', values) ?? 'false']
}

export function kindsIn({ kinds }: Scope): readonly Kind[] {
  return kinds ? KIND_NAMES.filter((kind) => kinds.includes(kind)) : KIND_NAMES
}

/** Times that InfluxDB can hold. */
const MIN_NS = -9_223_372_036_854_775_000n
const MAX_NS = 9_223_372_036_854_775_000n

/** Conditions of point times, from included, to not. */
export function within({ fromNs, toNs }: Span): string {
  return `time >= ${clip(fromNs)} AND time < ${clip(toNs)}`
}

/**
 * Conditions that hold the readings of a span: by the milliseconds of the points, and by the exact
 * times where the span ends within a millisecond.
 */
export function readingsWithin({ fromNs, toNs }: Span): string[] {
  const [from, to] = [floorMs(clip(fromNs)), ceilMs(clip(toNs))]
  const conditions = [within({ fromNs: from, toNs: to })]
  if (from !== clip(fromNs)) conditions.push(`"timeNs" >= ${fromNs}`)
  if (to !== clip(toNs)) conditions.push(`"timeNs" < ${toNs}`)
  return conditions
}

function clip(timeNs: bigint): bigint {
  if (timeNs < MIN_NS) return MIN_NS
  return timeNs > MAX_NS ? MAX_NS : timeNs
}
