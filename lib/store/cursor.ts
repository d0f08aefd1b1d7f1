/** A cursor is the key of the last row shown, opaque to callers. */
export function encodeCursor(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}

/** The key that a cursor holds: `n` a whole number in digits, `t` a text. Throws RangeError. */
export function decodeCursor(cursor: string, shape: readonly ('n' | 't')[]): readonly string[] {
  const key = parse(cursor)
  const fits =
    Array.isArray(key) &&
    key.length === shape.length &&
    key.every((part, at) => isPart(part, shape[at]))
  if (fits) return key
  throw new RangeError(
    `cursor: expected the "next" of an earlier page of the same query, got ${cursor.slice(0, 40)}`,
  )
}

function isPart(part: unknown, shape: 'n' | 't' | undefined): boolean {
  if (typeof part !== 'string') return false
  return shape === 't' || /^-?\d{1,19}$/.test(part)
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    // Not one of ours: the caller reports it.
    return null
  }
}
