import { crc16 } from './crc.ts'
import { hexOf, malformed, type TelegramProblem } from './problem.ts'
import { recordHeads } from './records.ts'

/** After CI 79: the CRC over the DIFs and VIFs that were left out, and that over the full frame. */
const HEAD_BYTES = 4

const SETTING = 'setting compactFrame of the device: DIF and VIF of all records of a full frame'

/**
 * The records of a compact frame (EN 13757-3; seven of eight frames of Kamstrup meters). It holds
 * only values; their DIFs and VIFs are those of the full frames of the same meter, which the
 * registry may have. Both CRCs show whether it has the right ones.
 */
export function expandCompact(
  body: Uint8Array,
  settings: Readonly<Record<string, unknown>>,
): Uint8Array | TelegramProblem {
  if (body.length <= HEAD_BYTES) {
    const got = `${body.length} bytes: the telegram is cut off`
    return malformed('compact frame', `more than ${HEAD_BYTES} bytes`, got)
  }
  const { compactFrame } = settings
  const digits = typeof compactFrame === 'string' ? compactFrame.replaceAll(/\s/g, '') : ''
  const known = /^([0-9a-fA-F]{2})+$/.test(digits) ? Buffer.from(digits, 'hex') : null
  const heads = known && recordHeads(known)
  if (!heads || !known) {
    const got = `79, a compact frame of format ${hexOf(wordAt(body, 0), 4)}, which names no units`
    return malformed('CI', `a full frame, or ${SETTING}`, got)
  }
  if (crc16(known) !== wordAt(body, 0)) {
    const expected = `format ${hexOf(crc16(known), 4)} by the ${SETTING}`
    return malformed('compact frame', expected, `format ${hexOf(wordAt(body, 0), 4)}`)
  }
  const records = filled(heads, body.subarray(HEAD_BYTES))
  if (crc16(records) === wordAt(body, 2)) return records
  const expected = `a full frame with CRC ${hexOf(wordAt(body, 2), 4)}`
  return malformed('compact frame', expected, `${hexOf(crc16(records), 4)}: damaged`)
}

function filled(
  heads: readonly { readonly head: Uint8Array; readonly bytes: number }[],
  data: Uint8Array,
): Uint8Array {
  const parts: Uint8Array[] = []
  let at = 0
  for (const { head, bytes } of heads) {
    parts.push(head, data.subarray(at, at + bytes))
    at += bytes
  }
  return Buffer.concat([...parts, data.subarray(at)])
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
}
