import { malformed, type Problem } from './problem.ts'

/** More than the longest telegram with its CRCs, and blanks between the bytes. */
const LONGEST = 2048
const SEPARATORS = /[\s_|#:-]/g
const EXPECTED = 'a telegram in hexadecimal digits, two for each byte'

/** The bytes of a payload in hex, as receivers write it: with or without blanks, bars or 0x. */
export function bytesOf(payload: Uint8Array): Buffer | Problem {
  if (payload.length > LONGEST) return problem(`${payload.length} characters`)
  const text = Buffer.from(payload).toString('latin1').trim().replace(/^0x/i, '')
  const digits = text.replaceAll(SEPARATORS, '')
  if (digits === '') return problem('nothing')
  const wrong = digits.search(/[^0-9a-fA-F]/)
  if (wrong >= 0) return problem(`${JSON.stringify(digits[wrong])} after ${wrong} digits`)
  if (digits.length % 2 === 1) return problem(`${digits.length} digits`)
  return Buffer.from(digits, 'hex')
}

function problem(got: string): Problem {
  return malformed('hex', EXPECTED, got)
}
