import { hexOf, malformed, type TelegramProblem } from '../problem.ts'
import type { Link } from './link.ts'

const START = 0x68
const STOP = 0x16
/** Start, length twice, start; checksum and stop at the end. */
const AROUND = 6
const HEAD = 4
/** Control, address and CI field. */
const SHORTEST = 3

export function isWired(bytes: Uint8Array): boolean {
  return bytes[0] === START && bytes[3] === START
}

/** A long frame of wired M-Bus (EN 13757-2), from its CI field on. */
export function wiredFrame(bytes: Uint8Array): Link | TelegramProblem {
  const [, length = 0, again = 0] = bytes
  if (length !== again || length < SHORTEST) {
    const got = `${hexOf(length)} and ${hexOf(again)}`
    return malformed('length', 'the same length twice, at least 03', got)
  }
  if (bytes.length !== length + AROUND) {
    const expected = `${length + AROUND} bytes by the length field`
    const got = `${bytes.length}: the telegram is ${bytes.length < length + AROUND ? 'cut off' : 'too long'}`
    return malformed('length', expected, got)
  }
  const inside = bytes.subarray(HEAD, HEAD + length)
  const [checksum = 0, stop = 0] = bytes.subarray(HEAD + length)
  let sum = 0
  for (const byte of inside) sum = (sum + byte) & 0xff
  if (sum !== checksum) {
    return malformed('checksum', hexOf(sum), `${hexOf(checksum)}: the telegram is damaged`)
  }
  if (stop !== STOP) return malformed('stop', hexOf(STOP), hexOf(stop))
  return { address: null, data: inside.subarray(SHORTEST - 1) }
}
