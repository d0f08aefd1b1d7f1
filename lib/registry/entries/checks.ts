import { PlatformError } from '#lib/runtime/errors.ts'
import { ID_PATTERN } from '#lib/telemetry/ids.ts'

/** What a field should have been, what came, and what to do about it. */
export interface Problem {
  readonly expected: string
  readonly got: unknown
  readonly todo: string
}

const MAX_NAME_LENGTH = 200
const MAX_SHOWN = 80

export function invalid(path: string, { expected, got, todo }: Problem): PlatformError {
  const shown = show(got)
  return new PlatformError(
    'REGISTRY_INVALID',
    `${path}: expected ${expected}, got ${shown}; ${todo}`,
    { path },
  )
}

/** Throws REGISTRY_INVALID for a change of what identifies an entry. */
export function requireSame(path: string, got: unknown, was: unknown): void {
  if (got === was) return
  throw invalid(path, {
    expected: `${show(was)}: it stays as it was created`,
    got,
    todo: 'leave it out, or create another entry',
  })
}

export function missing(what: string, id: string): PlatformError {
  return new PlatformError(
    'REGISTRY_MISSING',
    `expected a registered ${what}, got "${id}", which is not there; list them to see their ids`,
    { path: 'id' },
  )
}

export function conflict(message: string, path = 'id'): PlatformError {
  return new PlatformError('REGISTRY_CONFLICT', message, { path })
}

export function checkId(id: unknown, path = 'id'): void {
  if (typeof id === 'string' && ID_PATTERN.test(id)) return
  throw invalid(path, {
    expected: 'an id of 1 to 63 letters, digits, _ and -, with a letter or digit first',
    got: id,
    todo: 'choose such an id',
  })
}

export function checkName(name: unknown, path = 'name'): asserts name is string {
  if (isStorableText(name) && name.length <= MAX_NAME_LENGTH && name.trim() !== '') return
  throw invalid(path, {
    expected: `a text of 1 to ${MAX_NAME_LENGTH} whole characters`,
    got: name,
    todo: 'give it a name people recognise',
  })
}

/** Half a surrogate pair would come back from SQLite as another character. */
export function isStorableText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed()
}

/** A plain object, as JSON has them. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What came, as JSON cut short: an answer must not return a whole payload. */
function show(got: unknown): string {
  const text =
    typeof got === 'string' || isObject(got) || Array.isArray(got) ? toJson(got) : String(got)
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    return 'something JSON cannot hold'
  }
}
