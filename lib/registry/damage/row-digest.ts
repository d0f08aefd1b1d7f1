import { createHash } from 'node:crypto'
import type { SQLOutputValue } from 'node:sqlite'

/** The name by which triggers of `registry.db` call `rowDigest`. */
export const ROW_DIGEST = 'row_digest'

/** A damaged row goes unnoticed once in 2^48. */
const DIGEST_BYTES = 6

/**
 * The first 48 bits of a SHA-256 over table, column names and values: a whole number that SQL and
 * JavaScript add exactly. Without a key: it finds damage, and whoever may write the file could read a
 * key beside it too.
 */
export function rowDigest(...parts: readonly SQLOutputValue[]): number {
  const shown = parts.map((part) => (part instanceof Uint8Array ? { hex: hexOf(part) } : part))
  const hash = createHash('sha256').update(JSON.stringify(shown)).digest()
  return hash.readUIntBE(0, DIGEST_BYTES)
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
