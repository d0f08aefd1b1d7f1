import { isProblem } from '../../payload/problem.ts'
import { addressOf } from '../header.ts'
import { hexOf, malformed, type TelegramProblem } from '../problem.ts'
import { crc16 } from '../crc.ts'
import type { Link } from './link.ts'

/** Length, control, manufacturer and address: the first block of both frame formats. */
const FIRST_BLOCK = 10
const BLOCK = 16
const CRC = 2
/** In format B the first CRC comes here at the latest. */
const B_FIRST_PART = 128

/**
 * A frame of wireless M-Bus (EN 13757-4) as receivers forward it: without CRCs, with those of
 * format A after each block, or with those of format B, which its length field counts.
 */
export function wirelessFrame(bytes: Uint8Array): Link | TelegramProblem {
  const whole = (bytes[0] ?? 0) + 1
  if (whole <= FIRST_BLOCK) {
    return malformed('length', 'a length field of 0A or more', hexOf(bytes[0] ?? 0))
  }
  const blocks = 1 + Math.ceil((whole - FIRST_BLOCK) / BLOCK)
  if (bytes.length === whole + CRC * blocks) {
    const plain = withoutCrcsA(bytes, blocks)
    return isProblem(plain) ? plain : linkOf(plain)
  }
  if (bytes.length !== whole) {
    const expected = `${whole} bytes by the length field, ${whole + CRC * blocks} with the CRCs of format A`
    const isShort = bytes.length < whole
    const got = `${bytes.length}: the telegram is ${isShort ? 'cut off' : 'cut off or too long'}`
    return malformed('length', expected, got)
  }
  return linkOf(withoutCrcsB(bytes))
}

function linkOf(bytes: Uint8Array): Link {
  return { address: addressOf(bytes.subarray(2, FIRST_BLOCK)), data: bytes.subarray(FIRST_BLOCK) }
}

function withoutCrcsA(bytes: Uint8Array, blocks: number): Uint8Array | TelegramProblem {
  const parts: Uint8Array[] = []
  let at = 0
  for (let block = 1; block <= blocks; block += 1) {
    const length = Math.min(block === 1 ? FIRST_BLOCK : BLOCK, bytes.length - CRC - at)
    const part = bytes.subarray(at, at + length)
    const given = crcAt(bytes, at + length)
    const computed = crc16(part)
    if (given !== computed) {
      const got = `${hexOf(given, 4)}: the telegram is damaged`
      return malformed(`CRC of block ${block}`, hexOf(computed, 4), got)
    }
    parts.push(part)
    at += length + CRC
  }
  return Buffer.concat(parts)
}

/**
 * CRCs of format B are recognised only because they fit; otherwise the receiver is taken to have
 * left them out.
 */
function withoutCrcsB(bytes: Uint8Array): Uint8Array {
  const first = Math.min(bytes.length, B_FIRST_PART)
  if (!fits(bytes.subarray(0, first))) return bytes
  const head = bytes.subarray(0, first - CRC)
  if (first === bytes.length) return head
  const rest = bytes.subarray(first)
  return fits(rest) ? Buffer.concat([head, rest.subarray(0, rest.length - CRC)]) : bytes
}

function fits(part: Uint8Array): boolean {
  const end = part.length - CRC
  return end > 0 && crcAt(part, end) === crc16(part.subarray(0, end))
}

function crcAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}
