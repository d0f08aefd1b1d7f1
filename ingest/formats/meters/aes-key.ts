import type { FormatInput } from '../format.ts'

const KEY = /^[0-9a-fA-F]{32}$/

/**
 * The 128 bit key of a device, 32 hex digits: its secret `aesKey`, or the setting of that name,
 * for keys that are no secret (published test keys). Null when there is none.
 */
export function aesKeyOf(input: FormatInput): Buffer | 'malformed' | null {
  const given = input.secretOf?.('aesKey') ?? input.device.settings['aesKey'] ?? null
  if (given === null) return null
  const digits = typeof given === 'string' ? given.replaceAll(/\s/g, '') : ''
  return KEY.test(digits) ? Buffer.from(digits, 'hex') : 'malformed'
}

/** What is wrong with a missing or malformed key; the key itself is never shown. */
export function keyProblem(
  key: 'malformed' | null,
  of: string,
): { readonly expected: string; readonly got: string } {
  const expected = `the key of ${of} as secret aesKey of the device: 32 hex digits`
  return { expected, got: key === null ? 'no key registered' : 'a registered key of another form' }
}
