import type { z } from 'zod'

/** `data.tFlowC`, `[3].data.x`: how a path is shown in rejections. */
export function showPath(path: readonly PropertyKey[]): string {
  let shown = ''
  for (const part of path) {
    if (typeof part === 'number') shown += `[${part}]`
    else shown += shown === '' ? clip(String(part)) : `.${clip(String(part))}`
  }
  return shown
}

/** The type of a value, in a word or two. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number too large'
  return typeof value
}

/** The value itself where it is short and tells more than its type. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(clip(value))
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : describe(value)
}

const MAX_SHOWN_NAMES = 5

/** The first of the names in a payload that has no value of ours. */
export function showNames(names: readonly string[]): string {
  return names
    .slice(0, MAX_SHOWN_NAMES)
    .map((name) => name.slice(0, MAX_SHOWN_LENGTH))
    .join(', ')
}

const MAX_SHOWN_LENGTH = 48

/** Rejections are kept and sent to devices: nothing in them is long. */
function clip(text: string): string {
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}...` : text
}

/** An issue of zod as a reason: what was expected there, and what came. */
export function reasonOf(
  issue: z.core.$ZodIssue | undefined,
  value: unknown,
): { readonly expected: string; readonly got: string } {
  switch (issue?.code) {
    case 'invalid_type':
      return { expected: issue.expected, got: describe(value) }
    case 'invalid_value':
      return { expected: issue.values.map(String).join(' or '), got: show(value) }
    case 'too_big':
      return { expected: `at most ${issue.maximum} characters`, got: lengthOf(value) }
    default:
      return { expected: issue?.message ?? 'a reading', got: show(value) }
  }
}

function lengthOf(value: unknown): string {
  return typeof value === 'string' ? `${value.length} characters` : show(value)
}
