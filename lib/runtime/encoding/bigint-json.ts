/*
 * JSON between processes of this program and in its databases. A value that JSON does not know is an
 * object with one name that begins with `$`: {"$bigint": "7"}. An object with such a name of its own is
 * wrapped in `$object`, so that the two cannot be confused.
 */

const BIGINT = '$bigint'
const BYTES = '$bytes'
const NUMBER = '$number'
const OBJECT = '$object'

/** A deeper value is an error of the sender and must not exhaust the stack. */
const MAX_DEPTH = 100

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** One line of JSON. Takes plain objects, arrays, bigint, bytes and every number; undefined is left out. */
export function encodeJson(value: unknown): string {
  return JSON.stringify(encoded(value, 0))
}

/** Throws SyntaxError for a text that `encodeJson` cannot have written. */
export function decodeJson(text: string): unknown {
  return decoded(JSON.parse(text), 0)
}

function encoded(value: unknown, depth: number): Json {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return { [BIGINT]: String(value) }
  if (typeof value === 'number') {
    // JSON would make null of the first three and 0 of the last.
    return Number.isFinite(value) && !Object.is(value, -0) ? value : { [NUMBER]: nameOf(value) }
  }
  if (depth > MAX_DEPTH || typeof value !== 'object') {
    throw new TypeError(
      `expected a plain value up to ${MAX_DEPTH} levels deep, got ${typeof value}`,
    )
  }
  if (value instanceof Uint8Array) {
    const { buffer, byteOffset, byteLength } = value
    return { [BYTES]: Buffer.from(buffer, byteOffset, byteLength).toString('base64') }
  }
  if (Array.isArray(value)) return value.map((one) => encoded(one, depth + 1))
  return encodedObject(value, depth)
}

function encodedObject(value: object, depth: number): Json {
  const made: Record<string, Json> = Object.create(null)
  let isWrapped = false
  for (const [name, one] of Object.entries(value)) {
    if (one === undefined) continue
    if (name.startsWith('$')) isWrapped = true
    made[name] = encoded(one, depth + 1)
  }
  return isWrapped ? { [OBJECT]: made } : made
}

function nameOf(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function decoded(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > 2 * MAX_DEPTH)
    throw new SyntaxError('expected a value that this program has written, got one too deep')
  if (Array.isArray(value)) return value.map((one) => decoded(one, depth + 1))
  const entries = Object.entries(value)
  const [first] = entries
  if (first?.[0].startsWith('$') && entries.length === 1) return special(first[0], first[1], depth)
  return decodedEntries(entries, depth)
}

function special(name: string, value: unknown, depth: number): unknown {
  if (name === OBJECT && typeof value === 'object' && value !== null) {
    return decodedEntries(Object.entries(value), depth)
  }
  if (name === BIGINT && typeof value === 'string') return BigInt(value)
  if (name === NUMBER && typeof value === 'string') return Number(value)
  if (name === BYTES && typeof value === 'string')
    return new Uint8Array(Buffer.from(value, 'base64'))
  throw new SyntaxError(
    `expected a value that this program has written, got an object with ${name}`,
  )
}

/** By entries, because a name such as `__proto__` must stay a name. */
function decodedEntries(entries: readonly [string, unknown][], depth: number): object {
  return Object.fromEntries(entries.map(([name, one]) => [name, decoded(one, depth + 1)]))
}
