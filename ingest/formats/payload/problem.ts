/** What is wrong with a payload or a setting, and where. */
export interface Problem {
  /** Names and indices from the root of the payload. */
  readonly path: readonly PropertyKey[]
  readonly expected: string
  readonly got: string
}

/** Tells a problem from the result that a function returns otherwise. */
export function isProblem(result: object): result is Problem {
  return 'expected' in result && 'got' in result
}

/** A parsed object of a payload: its values by name, not validated yet. */
export type Values = Readonly<Record<string, unknown>>

export function isRecord(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether an object has no names. `Object.keys` would make an array for every message. */
export function isEmpty(values: Values): boolean {
  for (const name in values) if (Object.hasOwn(values, name)) return false
  return true
}
