import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import { isMbusNoValue } from '../meters/mbus-no-value.ts'
import { isMeter } from '../meters/meter.ts'
import { isRecord, type Problem, type Values } from '../payload/problem.ts'
import { describe, show } from '../payload/reason.ts'
import { isFactor } from '../payload/units.ts'

/** The field that a name of the payload means, and the factor to its unit. */
export interface Rule {
  readonly to: string
  readonly times: number
  readonly per: number
}

export const EXAMPLE = '{"energy":{"to":"energyKwh","per":1000}}'

/**
 * The names that a setting of the device maps. A mistake in the setting refuses every message; once
 * it is fixed they can be replayed.
 */
export function rulesOf(
  setting: unknown,
  name: string,
  kind: Kind,
): ReadonlyMap<string, Rule> | Problem {
  const rules = new Map<string, Rule>()
  if (setting === undefined || setting === null) return rules
  const path = ['settings', name]
  if (!isRecord(setting)) {
    return { path, expected: `an object such as ${EXAMPLE}`, got: describe(setting) }
  }
  for (const [from, given] of Object.entries(setting)) {
    const { to, times = 1, per = 1 } = isRecord(given) ? given : {}
    if (typeof to !== 'string' || !Object.hasOwn(KINDS[kind].fields, to)) {
      return { path: [...path, from, 'to'], expected: `a field of ${kind}`, got: show(to) }
    }
    if (!isFactor(times) || !isFactor(per)) {
      return { path: [...path, from], expected: 'times and per above 0', got: show(times) }
    }
    rules.set(from, { to, times, per })
  }
  return rules
}

/** The values by their fields, and the name of each in the payload. */
export function valuesOf(decoded: Values, kind: Kind, rules: ReadonlyMap<string, Rule>) {
  const data: Record<string, unknown> = {}
  const sources = new Map<string, string>()
  for (const [name, value] of namedIn(decoded, '', 0)) {
    const isOurs = Object.hasOwn(KINDS[kind].fields, name)
    const rule = rules.get(name) ?? (isOurs ? { to: name, times: 1, per: 1 } : null)
    if (!rule || value === null || sources.has(rule.to)) continue
    // Formatters pass the "no value" of M-Bus on; checked before any unit is converted.
    if (isMeter(kind) && typeof value === 'number' && isMbusNoValue(value)) continue
    sources.set(rule.to, name)
    data[rule.to] = typeof value === 'number' ? (value * rule.times) / rule.per : value
  }
  return { data, sources }
}

/** Levels of objects that are searched: formatters group values, rarely twice. */
const MAX_LEVELS = 3

function* namedIn(values: Values, before: string, level: number): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(values)) {
    if (!isRecord(value)) yield [before + name, value]
    else if (level < MAX_LEVELS) yield* namedIn(value, `${before}${name}.`, level + 1)
  }
}
