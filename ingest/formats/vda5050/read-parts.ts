import { describe, show } from '../payload/reason.ts'
import { isRecord, type Problem, type Values } from '../payload/problem.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import type { PartRules, Rule } from './fields.ts'

export interface PartProblem extends Problem {
  /** The name is not in the message. */
  readonly missing?: boolean
}

/**
 * Takes the values that the rules name from a message. Strict: the first value that its version
 * does not allow is the problem returned. Lenient: such values are left out, and the names that
 * robots were seen to use instead are read too.
 */
export function readParts(
  message: Values,
  parts: readonly PartRules[],
  lenient: boolean,
): { readonly fields: Record<string, FieldValue>; readonly problem: PartProblem | null } {
  const fields: Record<string, FieldValue> = {}
  for (const part of parts) {
    const values = part.name === '' ? message : valueOf(message, part, lenient)
    const problem = isRecord(values)
      ? takeFields(values, part, fields, lenient)
      : partProblem(message, values, part)
    if (!problem || lenient) continue
    return { fields, problem: problem.missing ? withOthers(problem, message, parts) : problem }
  }
  return { fields, problem: null }
}

/** The value a rule names; lenient, also under another name that was seen for it. */
export function valueOf(
  values: Values,
  { name, seen }: { readonly name: string; readonly seen: readonly string[] },
  lenient: boolean,
): unknown {
  const value = values[name]
  if (!lenient || (value !== undefined && value !== null)) return value
  const other = seen.find((one) => values[one] !== undefined && values[one] !== null)
  return other === undefined ? value : values[other]
}

function takeFields(
  values: Values,
  part: PartRules,
  fields: Record<string, FieldValue>,
  lenient: boolean,
): PartProblem | null {
  for (const rule of part.rules) {
    const value = valueOf(values, rule, lenient)
    if (value === undefined || value === null) {
      if (rule.required && !lenient) return missing(values, part, rule)
    } else if (!isAllowed(value, rule)) {
      if (!lenient) return wrong(value, part, rule)
      // A value outside the list is still the robot's statement.
      if (rule.to !== null && isShortText(value, rule)) fields[rule.to] = value
    } else if (rule.to !== null) {
      // A rule with a target names a number, a text or a flag, and the value is of its type.
      fields[rule.to] = value as FieldValue
    }
  }
  return null
}

function isAllowed(value: unknown, { type, allowed, maxLength }: Rule): boolean {
  if (type === 'array') return Array.isArray(value)
  if (typeof value !== type) return false
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'string') return true
  return allowed ? allowed.includes(value) : value.length <= maxLength
}

function isShortText(value: unknown, { type, maxLength }: Rule): value is string {
  return type === 'string' && typeof value === 'string' && value.length <= maxLength
}

const pathTo = ({ name }: PartRules, rule: Rule): readonly string[] =>
  name === '' ? [rule.name] : [name, rule.name]

function wrong(value: unknown, part: PartRules, rule: Rule): PartProblem {
  const { type, allowed, maxLength } = rule
  const path = pathTo(part, rule)
  if (typeof value !== type || typeof value === 'number') {
    return { path, expected: type, got: describe(value) }
  }
  if (allowed) return { path, expected: allowed.join(' or '), got: show(value) }
  const got = `${String(value).length} characters`
  return { path, expected: `at most ${maxLength} characters`, got }
}

function partProblem(message: Values, value: unknown, part: PartRules): PartProblem | null {
  if (value !== undefined && value !== null) {
    return { path: [part.name], expected: 'object', got: describe(value) }
  }
  if (!part.required) return null
  const expected = `object with ${requiredOf(part).join(', ')}`
  return { path: [part.name], expected, got: absence(message, value, part), missing: true }
}

function missing(values: Values, part: PartRules, rule: Rule): PartProblem {
  const expected = rule.allowed?.join(' or ') ?? rule.type
  const got = absence(values, values[rule.name], rule)
  return { path: pathTo(part, rule), expected, got, missing: true }
}

const MAX_SHOWN_NAMES = 12

/** Names everything else that is missing, so that a vendor can fix it all at once. */
function withOthers(
  problem: PartProblem,
  message: Values,
  parts: readonly PartRules[],
): PartProblem {
  const first = problem.path.join('.')
  const others = parts.flatMap((part) => missingIn(message, part)).filter((path) => path !== first)
  if (others.length === 0) return problem
  const more = others.length > MAX_SHOWN_NAMES ? ', ...' : ''
  const shown = others.slice(0, MAX_SHOWN_NAMES).join(', ')
  return { ...problem, got: `${problem.got}; also missing: ${shown}${more}` }
}

function missingIn(message: Values, part: PartRules): readonly string[] {
  const values = part.name === '' ? message : message[part.name]
  if (values === undefined || values === null) return part.required ? [part.name] : []
  if (!isRecord(values)) return []
  return part.rules
    .filter(({ name, required }) => required && (values[name] ?? null) === null)
    .map((rule) => pathTo(part, rule).join('.'))
}

function requiredOf({ rules }: PartRules): readonly string[] {
  return rules.filter(({ required }) => required).map(({ name }) => name)
}

function absence(values: Values, value: unknown, { seen }: Pick<Rule, 'seen'>): string {
  const other = seen.find((name) => values[name] !== undefined && values[name] !== null)
  return other === undefined ? describe(value) : `${describe(value)}, but ${other}`
}
