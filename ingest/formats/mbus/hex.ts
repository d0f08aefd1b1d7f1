import { malformed, type TelegramProblem } from './problem.ts'

/** More than the longest telegram with its CRCs, and spaces between the bytes. */
const MAX_LENGTH = 2048
const SEPARATORS = /[\s_|#:-]/g
const EXPECTED = 'a telegram in hexadecimal digits, two for each byte'

/** The bytes of a payload in hex, as receivers write it: with or without spaces, bars or 0x. */
export function bytesOf(payload: Uint8Array): Buffer | TelegramProblem {
  if (payload.length > MAX_LENGTH) return problem(`${payload.length} characters`)
  const text = Buffer.from(payload).toString('latin1').trim().replace(/^0x/i, '')
  const digits = text.replaceAll(SEPARATORS, '')
  if (digits === '') return problem('nothing')
  const wrong = digits.search(/[^0-9a-fA-F]/)
  if (wrong >= 0) return problem(`${JSON.stringify(digits[wrong])} after ${wrong} digits`)
  if (digits.length % 2 === 1) return problem(`${digits.length} digits`)
  return Buffer.from(digits, 'hex')
}

function problem(got: string): TelegramProblem {
  return malformed('hex', EXPECTED, got)
}
