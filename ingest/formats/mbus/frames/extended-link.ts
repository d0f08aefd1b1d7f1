import { createDecipheriv } from 'node:crypto'
import type { FormatInput } from '../../format.ts'
import { aesKeyOf, keyProblem } from '../../meters/aes-key.ts'
import { isProblem } from '../../payload/problem.ts'
import { addressOf } from '../header.ts'
import { hexOf, malformed, type TelegramProblem } from '../problem.ts'
import { crc16 } from '../crc.ts'
import type { Link } from './link.ts'

/** CI fields of the extended link layer (EN 13757-4): with a second address, with a session. */
const LAYERS: Readonly<
  Record<number, { readonly hasAddress: boolean; readonly hasSession: boolean }>
> = {
  0x8c: { hasAddress: false, hasSession: false },
  0x8d: { hasAddress: false, hasSession: true },
  0x8e: { hasAddress: true, hasSession: false },
  0x8f: { hasAddress: true, hasSession: true },
}

const FRAGMENTS = 0x90
const CONTROL_BYTES = 2
const ADDRESS_BYTES = 8
const SESSION_BYTES = 4
const CRC_BYTES = 2
const BLOCK_BYTES = 16

/** Removes the extended link layer and that of fragments, and decrypts the data inside. */
export function withoutExtendedLink(link: Link, input: FormatInput): Link | TelegramProblem {
  const { data } = link
  const [ci = 0] = data
  if (ci === FRAGMENTS) {
    // Its length counts the bytes after itself.
    return { ...link, data: data.subarray(2 + (data[1] ?? 0)) }
  }
  const layer = LAYERS[ci]
  if (!layer) return link
  const { hasAddress, hasSession } = layer
  const afterAddress = 1 + CONTROL_BYTES + (hasAddress ? ADDRESS_BYTES : 0)
  const start = afterAddress + (hasSession ? SESSION_BYTES : 0)
  if (data.length < start + (hasSession ? CRC_BYTES : 0)) {
    const got = `${data.length} bytes: the telegram is cut off`
    return malformed('extended link', `${start} bytes of header`, got)
  }
  const address = hasAddress ? addressOf(data.subarray(3, afterAddress)) : link.address
  const inner = { address, data: data.subarray(start) }
  if (!hasSession) return withoutExtendedLink(inner, input)
  const session = data.subarray(afterAddress, start)
  const opened = open({ link, session, control: data[1] ?? 0, sealed: inner.data }, input)
  return isProblem(opened) ? opened : { address, data: opened }
}

interface Session {
  readonly link: Link
  readonly session: Uint8Array
  readonly control: number
  /** CRC and payload. */
  readonly sealed: Uint8Array
}

/** The three highest bits of the session number: 0 is clear, 1 is AES-128 in counter mode. */
function open(
  { link, session, control, sealed }: Session,
  input: FormatInput,
): Uint8Array | TelegramProblem {
  const mode = (session[3] ?? 0) >> 5
  // Receivers that have the key forward the clear bytes.
  if (fits(sealed)) return sealed.subarray(CRC_BYTES)
  if (mode === 0) {
    const computed = hexOf(crc16(sealed.subarray(CRC_BYTES)), 4)
    return malformed(
      'CRC of the payload',
      computed,
      `${hexOf(crcOf(sealed), 4)}: the telegram is damaged`,
    )
  }
  if (mode !== 1) return malformed('extended link', 'encryption 0 or 1', String(mode))
  const key = aesKeyOf(input)
  if (key === null || key === 'malformed') {
    const { expected, got } = keyProblem(key, `meter ${link.address?.id ?? 'of this topic'}`)
    return malformed('extended link', expected, got)
  }
  const iv = Buffer.alloc(BLOCK_BYTES)
  iv.set(Buffer.concat([link.address?.bytes ?? Buffer.alloc(0), Buffer.of(control), session]))
  const cipher = createDecipheriv('aes-128-ctr', key, iv)
  const clear = Buffer.concat([cipher.update(sealed), cipher.final()])
  if (fits(clear)) return clear.subarray(CRC_BYTES)
  const expected = 'a payload whose CRC fits once decrypted with the registered aesKey'
  return malformed('extended link', expected, 'another CRC: the key of another meter, or damage')
}

/** Here the CRC comes lowest byte first. */
function crcOf(sealed: Uint8Array): number {
  return (sealed[0] ?? 0) | ((sealed[1] ?? 0) << 8)
}

function fits(sealed: Uint8Array): boolean {
  return sealed.length > CRC_BYTES && crcOf(sealed) === crc16(sealed.subarray(CRC_BYTES))
}
