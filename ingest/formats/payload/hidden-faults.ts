// Written for speed: counts the colons of a payload four bytes at a time, with no scan of its text.
import { findJsonFaults, MAX_DEPTH, type JsonFault } from './json-faults.ts'
import type { Json } from './parse-json.ts'
import type { Values } from './problem.ts'

const NO_FAULTS: readonly JsonFault[] = []

/**
 * The same as `findJsonFaults(json.text)`, without the scan for nearly every message: as long as
 * the bytes have as many colons as the names and texts of the parsed value, no name stands twice.
 */
export function hiddenFaults({ payload, text, value }: Json): readonly JsonFault[] {
  // An escaped colon is none of the bytes and could make up for the colon of a doubled name. And V8
  // 14.6 misreads escaped names once it has parsed a name that begins with a backslash.
  const isPlain = !text.includes('\\') && colonsInBytes(payload) === colonsInValue(value, 0)
  return isPlain ? NO_FAULTS : findJsonFaults(text)
}

/** The same byte four times. */
const COLONS = 0x3a3a3a3a

function colonsInBytes(bytes: Uint8Array): number {
  let colons = 0
  let at = 0
  for (const whole = bytes.length & ~3; at < whole; at += 4) {
    // Every index is below `length`.
    const word =
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    colons += zeroBytesIn(word ^ COLONS)
  }
  for (; at < bytes.length; at += 1) if (bytes[at] === 0x3a) colons += 1
  return colons
}

/** How many of the four bytes of a word are zero. */
function zeroBytesIn(word: number): number {
  const marks = ~(((word & 0x7f7f7f7f) + 0x7f7f7f7f) | word | 0x7f7f7f7f)
  return Math.imul(marks >>> 7, 0x01010101) >>> 24
}

/**
 * Colons that a value takes as text, without those in names, which lead to the scan; NaN, which
 * equals nothing, where it holds a fault itself.
 */
function colonsInValue(value: unknown, depth: number): number {
  if (typeof value === 'string') return colonsIn(value)
  if (typeof value !== 'object' || value === null) return 0
  if (depth === MAX_DEPTH) return Number.NaN
  let colons = 0
  if (Array.isArray(value)) {
    for (const element of value) colons += colonsInValue(element, depth + 1)
    return colons
  }
  // `JSON.parse` gives own names only.
  for (const name in value) {
    if (name === '__proto__') return Number.NaN
    colons += 1
    const inner: unknown = (value as Values)[name]
    if (typeof inner === 'string' || typeof inner === 'object') {
      colons += colonsInValue(inner, depth + 1)
    }
  }
  return colons
}

function colonsIn(text: string): number {
  let colons = 0
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) colons += 1
  return colons
}
