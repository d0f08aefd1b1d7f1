import { createHash } from 'node:crypto'

/** 96 bits: no two names of a fleet share one, and none can be guessed without the secret. */
export const PSEUDONYM_HEX_DIGITS = 24

/**
 * The name of a channel for those who may not know whose it is. A plain SHA-256 after a secret salt,
 * since DuckDB makes the same name in SQL; it is cut, so nothing can be appended to what was hashed.
 */
export function channelPseudonym(salt: string, channel: string): string {
  const digest = createHash('sha256').update(`${salt}:${channel}`).digest('hex')
  return `channel-${digest.slice(0, PSEUDONYM_HEX_DIGITS)}`
}
