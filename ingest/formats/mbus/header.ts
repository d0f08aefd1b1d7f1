import type { Device } from '#lib/registry/registry.ts'
import { isProblem } from '../payload/problem.ts'
import { expandCompact } from './compact.ts'
import { hexOf, malformed, type TelegramProblem } from './problem.ts'

/** The sender of a telegram, from the link layer or from the long header after it. */
export interface MbusAddress {
  readonly manufacturer: number
  /** Eight digits. */
  readonly id: string
  readonly medium: number
  /** Manufacturer, number, version and device type in the order of the link layer. */
  readonly bytes: Uint8Array
}

export interface MbusHeader {
  /** Null where neither layer names the meter: wired telegrams without a header. */
  readonly address: MbusAddress | null
  readonly accessNumber: number
  /** Null where the telegram has no status byte. */
  readonly status: number | null
  readonly config: number
  /** The bytes after the header: records, encrypted or not. */
  readonly body: Uint8Array
}

const ADDRESS_BYTES = 8

/** An address in the order of the link layer: manufacturer, number, version, device type. */
export function addressOf(bytes: Uint8Array): MbusAddress {
  const number = bytes.subarray(2, 6).toReversed()
  return {
    manufacturer: (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8),
    id: Buffer.from(number).toString('hex').toUpperCase(),
    medium: bytes[7] ?? 0,
    bytes,
  }
}

const NO_HEADER = 0x78
const COMPACT = 0x79
const SHORT = 0x7a
const LONG = 0x72
const SHORT_BYTES = 4

/** CI fields that this platform does not read. */
const REFUSED: Readonly<Record<number, string>> = {
  0x70: 'the report of an error of the meter',
  0x71: 'the report of an alarm of the meter',
  0x73: 'the fixed data structure of old meters',
  0x76: 'a telegram with the highest byte first',
}

/** Reads the transport layer from its CI field on (EN 13757-7). */
export function mbusHeader(
  data: Uint8Array,
  address: MbusAddress | null,
  settings: Device['settings'],
): MbusHeader | TelegramProblem {
  const [ci] = data
  const expected = 'a response with data: CI field 72, 78 or 7A'
  if (ci === undefined) return malformed('CI', expected, 'the end of the telegram')
  if (ci === NO_HEADER) {
    return { address, accessNumber: 0, status: null, config: 0, body: data.subarray(1) }
  }
  if (ci === COMPACT) {
    const body = expandCompact(data.subarray(1), settings)
    if (isProblem(body)) return body
    return { address, accessNumber: 0, status: null, config: 0, body }
  }
  if (ci !== SHORT && ci !== LONG) {
    const known = REFUSED[ci]
    return malformed('CI', expected, known ? `${hexOf(ci)}: ${known}` : hexOf(ci))
  }
  const start = ci === LONG ? 1 + ADDRESS_BYTES : 1
  if (data.length < start + SHORT_BYTES) {
    const needed = `${start + SHORT_BYTES} bytes of header`
    return malformed('header', needed, `${data.length} bytes: the telegram is cut off`)
  }
  const [accessNumber = 0, status = 0, low = 0, high = 0] = data.subarray(start)
  return {
    address: ci === LONG ? addressOf(linkOrder(data.subarray(1, start))) : address,
    accessNumber,
    status,
    config: low | (high << 8),
    body: data.subarray(start + SHORT_BYTES),
  }
}

/** In the long header the number comes before the manufacturer. */
function linkOrder(header: Uint8Array): Uint8Array {
  return Buffer.concat([header.subarray(4, 6), header.subarray(0, 4), header.subarray(6)])
}
