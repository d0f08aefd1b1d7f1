import { createHash, timingSafeEqual } from 'node:crypto'

/**
 * Generated secrets carry 192 bits: SHA-256 is enough, and costs the broker a microsecond where a
 * password hash would cost a thread.
 */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

export function isSameHash(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

/** Compared with where there is no hash, so that an unknown name takes as long as a wrong password. */
export const NO_HASH: Uint8Array = new Uint8Array(32)
