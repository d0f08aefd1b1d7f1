import type { RefusedElement } from '../format.ts'
import { findJsonFaults, MAX_DEPTH, type JsonFault } from './json-text.ts'
import { isRecord, refusal } from './native-element.ts'

/** How a fault that `JSON.parse` hides is told. */
export const FAULT_WORDS: Readonly<Record<JsonFault['fault'], { expected: string; got: string }>> =
  {
    duplicate: { expected: 'each name once', got: 'the same name twice' },
    prototype: { expected: 'names of fields', got: '__proto__' },
    deep: { expected: `at most ${MAX_DEPTH} levels`, got: 'more levels' },
  }

/** Levels of a path that are shown. */
export const SHOWN_LEVELS = 4

/**
 * The first thing `JSON.parse` hides in a payload of one object: a name that stands twice, a
 * `__proto__`, nesting beyond `MAX_DEPTH`. As many colons in the bytes as names and texts account
 * for settle it for nearly every message, without a second scan of its text.
 */
export function hiddenFault(
  payload: Uint8Array,
  text: string,
  value: unknown,
): RefusedElement | null {
  if (!mayHide(payload, text, value)) return null
  const [first] = findJsonFaults(text)
  if (!first) return null
  const path = first.path.slice(0, SHOWN_LEVELS)
  return refusal(-1, 'malformed', { path, ...FAULT_WORDS[first.fault] })
}

const COLON = 0x3a

function mayHide(payload: Uint8Array, text: string, value: unknown): boolean {
  // An escaped colon is none of the bytes and could make up for the colon of a doubled name.
  if (text.includes('__proto__') || text.includes('\\u003')) return true
  let colons = 0
  for (let at = 0; at < payload.length; at += 1) if (payload[at] === COLON) colons += 1
  return colons !== colonsOf(value, 0)
}

/** Colons that a value takes as text; NaN, which equals nothing, where it nests too deep. */
function colonsOf(value: unknown, depth: number): number {
  if (typeof value === 'string') return colonsIn(value)
  const isList = Array.isArray(value)
  if (!isList && !isRecord(value)) return 0
  if (depth === MAX_DEPTH) return Number.NaN
  let colons = 0
  if (isList) {
    for (const element of value) colons += colonsOf(element, depth + 1)
    return colons
  }
  // Of what `JSON.parse` makes every name is its own.
  for (const name in value) {
    colons += 1 + colonsIn(name) + colonsOf(value[name], depth + 1)
  }
  return colons
}

function colonsIn(text: string): number {
  let colons = 0
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) colons += 1
  return colons
}
