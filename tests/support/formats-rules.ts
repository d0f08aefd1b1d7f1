import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A payload that shows a rule: a case of the format, with one piece of its text exchanged. */
export interface Example {
  readonly case: string
  readonly swap?: readonly [from: string, to: string]
  readonly settings?: Readonly<Record<string, unknown>>
}

/** A sentence instead of an example says why the rule does not apply to the convention. */
type Rule<More = unknown> = (Example & More) | string

/**
 * How one format shows the rules of docs/domain.md 8 that depend on what its payloads look like.
 */
export interface FormatRules {
  /** One case per kind, for the rules of the pipeline. */
  readonly good: readonly string[]
  readonly unknownField: Rule
  readonly nullField: Rule<{ readonly field: string }>
  readonly missing: Example & { readonly path: string }
  /** A clock before 2015. */
  readonly badClock: Rule
  /** A time without a zone, and none configured. */
  readonly naiveTime: Rule<{ readonly outcome: 'flagged' | 'refused' }>
  readonly sentinel: Rule<{ readonly field: string }>
  readonly mismatch: Rule
  readonly unknownUnit: Rule
  readonly outOfRange: Rule<{ readonly field: string; readonly value: number }>
  /** Texts of the payload that must not be stored anywhere. */
  readonly personal: Rule<{ readonly never: readonly string[] }>
}

const CASES = join(import.meta.dirname, '..', 'cases')

/** The rules file among the cases of a format; null where there is none. */
export function rulesOf(format: string): FormatRules | null {
  const path = join(CASES, format, 'rules.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null
}
