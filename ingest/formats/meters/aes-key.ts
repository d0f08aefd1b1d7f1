import type { FormatInput } from '../format.ts'

/** What a convention with encrypted payloads is given beside the message. */
export interface KeyedInput extends FormatInput {
  /** A secret of the device in the registry; null when it has none of that name. */
  readonly secretOf?: (name: string) => string | null
}

const KEY = /^[0-9a-fA-F]{32}$/

/**
 * The 128 bit key of a device, 32 hex digits: its secret `aesKey`, or the setting of that name,
 * for keys that are no secret (published test keys). Null when there is none.
 */
export function aesKeyOf(input: KeyedInput): Buffer | 'malformed' | null {
  const given = input.secretOf?.('aesKey') ?? input.device.settings['aesKey'] ?? null
  if (given === null) return null
  const digits = typeof given === 'string' ? given.replaceAll(/\s/g, '') : ''
  return KEY.test(digits) ? Buffer.from(digits, 'hex') : 'malformed'
}

/** How a missing or malformed key is told; a key itself is never shown. */
export function keyProblem(key: 'malformed' | null, of: string): { expected: string; got: string } {
  const expected = `the key of ${of} as secret aesKey of the device: 32 hex digits`
  return { expected, got: key === null ? 'no key registered' : 'a registered key of another form' }
}
