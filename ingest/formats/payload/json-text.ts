import { isUtf8 } from 'node:buffer'
import { MOST_JSON_LEVELS, nestsTooDeep } from '#lib/telemetry/json-depth.ts'
import type { RefusedElement } from '../format.ts'

export type ParsedJson =
  | { readonly value: unknown; readonly text: string; readonly problem: null }
  | { readonly value: null; readonly text: ''; readonly problem: RefusedElement }

/** A payload as JSON, or why it is none, with the place: never an exception. */
export function parseJson(payload: Uint8Array): ParsedJson {
  if (payload.length === 0) return malformed('an empty payload')
  const text = textOf(payload)
  // Only text that holds the replacement character can have come from bytes that are not UTF-8.
  if (text.includes('\uFFFD') && !isUtf8(payload)) return malformed('bytes that are not UTF-8')
  if (text.startsWith('\uFEFF')) return malformed('a byte order mark before the JSON')
  if (nestsTooDeep(text)) return malformed(`more than ${MOST_JSON_LEVELS} levels`)
  try {
    return { value: JSON.parse(text), text, problem: null }
  } catch (error) {
    if (error instanceof SyntaxError) return malformed(whereOf(error, text))
    throw error
  }
}

function textOf(payload: Uint8Array): string {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8')
}

function malformed(got: string): ParsedJson {
  const problem = {
    elementIndex: -1,
    reason: 'malformed',
    path: '',
    expected: 'JSON in UTF-8',
    got,
  } as const
  return { value: null, text: '', problem }
}

const SHOWN = 120

/** V8 names the position, or quotes around it; of an end that comes too early it says neither. */
function whereOf({ message }: SyntaxError, text: string): string {
  if (message.startsWith('Unexpected end')) return `${message} after ${text.length} characters`
  return message.length > SHOWN ? `${message.slice(0, SHOWN)}...` : message
}

/** Deeper than any payload convention; keeps recursion over a payload within the stack. */
export const MAX_DEPTH = 32

export interface JsonFault {
  /** Names and indices from the root. */
  readonly path: readonly (string | number)[]
  readonly fault: 'duplicate' | 'deep' | 'prototype'
}

/** An open object or array: where in it the scan is, and the names an object has had. */
interface Open {
  readonly names: Set<string> | null
  key: string | number
  /** The next string is a name. */
  atName: boolean
}

/**
 * What `JSON.parse` hides in a text it accepts: a name that stands twice in one object (the first
 * value would be lost silently), `__proto__` as a name (whoever copies it sets a prototype), and
 * nesting beyond `MAX_DEPTH`, where the scan ends. Strings, brackets and commas are all that has to
 * be looked at in a text that is known to be valid.
 */
export function findJsonFaults(text: string): JsonFault[] {
  const faults: JsonFault[] = []
  const open: Open[] = []
  const pathNow = () => open.map(({ key }) => key)
  for (let at = 0; at < text.length; at += 1) {
    const inner = open.at(-1)
    const char = text[at]
    if (char === '"') {
      const end = endOfString(text, at)
      if (inner?.atName && inner.names) {
        inner.key = String(JSON.parse(text.slice(at, end + 1)))
        inner.atName = false
        if (inner.names.has(inner.key)) faults.push({ path: pathNow(), fault: 'duplicate' })
        if (inner.key === '__proto__') faults.push({ path: pathNow(), fault: 'prototype' })
        inner.names.add(inner.key)
      }
      at = end
    } else if (char === '{' || char === '[') {
      if (open.length === MAX_DEPTH) return [...faults, { path: pathNow(), fault: 'deep' }]
      if (char === '{') open.push({ names: new Set(), key: '', atName: true })
      else open.push({ names: null, key: 0, atName: false })
    } else if (char === '}' || char === ']') open.pop()
    else if (char === ',' && inner) nextIn(inner)
  }
  return faults
}

function nextIn(inner: Open): void {
  if (typeof inner.key === 'number') inner.key += 1
  else inner.atName = true
}

/** Index of the quote that ends the string beginning at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}
