// Written for speed: scans the characters of a JSON text once, without parsing it.
import { endOfString } from '#lib/telemetry/json-depth.ts'

/** Deeper than any payload convention; keeps recursion over a payload within the stack. */
export const MAX_DEPTH = 32

export interface JsonFault {
  /** Names and indices from the root. */
  readonly path: readonly (string | number)[]
  readonly fault: 'duplicate' | 'deep' | 'prototype'
}

/** An open object or array: the position of the scan in it, and the names an object has had. */
interface Open {
  readonly names: Set<string> | null
  key: string | number
  /** The next string is a name. */
  atName: boolean
}

/**
 * What `JSON.parse` hides in a text it accepts: a name that stands twice in one object (the first
 * value would be lost silently), `__proto__` as a name (whoever copies it sets a prototype), and
 * nesting beyond `MAX_DEPTH`, where the scan ends. In a text that is known to be valid only
 * strings, brackets and commas matter.
 */
export function findJsonFaults(text: string): JsonFault[] {
  const faults: JsonFault[] = []
  const open: Open[] = []
  for (let at = 0; at < text.length; at += 1) {
    const inner = open.at(-1)
    const char = text[at]
    if (char === '"') {
      const end = endOfString(text, at)
      if (inner?.atName) takeName(String(JSON.parse(text.slice(at, end + 1))), open, faults)
      at = end
    } else if (char === '{' || char === '[') {
      if (open.length === MAX_DEPTH) return [...faults, { path: pathOf(open), fault: 'deep' }]
      if (char === '{') open.push({ names: new Set(), key: '', atName: true })
      else open.push({ names: null, key: 0, atName: false })
    } else if (char === '}' || char === ']') open.pop()
    else if (char === ',' && inner) nextIn(inner)
  }
  return faults
}

function takeName(name: string, open: readonly Open[], faults: JsonFault[]): void {
  const inner = open.at(-1)
  if (!inner?.names) return
  inner.key = name
  inner.atName = false
  if (inner.names.has(name)) faults.push({ path: pathOf(open), fault: 'duplicate' })
  if (name === '__proto__') faults.push({ path: pathOf(open), fault: 'prototype' })
  inner.names.add(name)
}

function pathOf(open: readonly Open[]): JsonFault['path'] {
  return open.map(({ key }) => key)
}

function nextIn(inner: Open): void {
  if (typeof inner.key === 'number') inner.key += 1
  else inner.atName = true
}
