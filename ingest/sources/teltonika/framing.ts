import { crc16 } from '../../formats/teltonika-codec8/crc16.ts'

/** Why a connection of a tracker, or of something else, is closed. */
export type FaultReason = 'login' | 'framing' | 'packet_size'

export interface Fault {
  readonly reason: FaultReason
  /** What was expected and what was got. */
  readonly text: string
}

export interface Login {
  readonly imei: string
  /** Bytes it took. */
  readonly used: number
}

/** A whole packet with its frame, and whether its checksum is right. */
export interface Packet {
  readonly frame: Buffer
  readonly isIntact: boolean
  /** The number of records that it states; null for a response to a command: not acknowledged. */
  readonly records: number | null
  readonly used: number
}

/** What the first bytes are; null: more bytes are needed. */
export type Framed<T> = T | Fault | null

const IMEI_DIGITS = 15
const LENGTH_BYTES = 2
const DIGITS = /^\d{15}$/

/** A tracker begins with its IMEI: two bytes of length, then as many digits. */
export function readLogin(bytes: Buffer): Framed<Login> {
  if (bytes.length < LENGTH_BYTES) return null
  const length = bytes.readUInt16BE(0)
  if (length !== IMEI_DIGITS) {
    const text = `expected the length ${IMEI_DIGITS} of an IMEI, got ${length}`
    return { reason: 'login', text }
  }
  const used = LENGTH_BYTES + IMEI_DIGITS
  if (bytes.length < used) return null
  const imei = bytes.toString('latin1', LENGTH_BYTES, used)
  if (DIGITS.test(imei)) return { imei, used }
  return {
    reason: 'login',
    text: `expected an IMEI of ${IMEI_DIGITS} digits, got other characters`,
  }
}

/** Four zero bytes and the length. */
const HEAD_BYTES = 8
/** The checksum. */
const TAIL_BYTES = 4
/** Codec id and two counts. */
const MIN_DATA_BYTES = 3
/** Codec 12 to 14 carry commands and the responses to them. */
const COMMANDS: ReadonlySet<number> = new Set([12, 13, 14])

/** The packet at the beginning; `maxBytes` is the largest with its frame. */
export function readPacket(bytes: Buffer, maxBytes: number): Framed<Packet> {
  // Checked as soon as they are there: a client of another protocol is not waited for.
  const start = bytes.subarray(0, 4)
  if (start.some((byte) => byte !== 0)) {
    const got = start.toString('hex')
    return { reason: 'framing', text: `expected four zero bytes before a packet, got ${got}` }
  }
  if (bytes.length < HEAD_BYTES) return null
  const length = bytes.readUInt32BE(4)
  const used = HEAD_BYTES + length + TAIL_BYTES
  if (length < MIN_DATA_BYTES) {
    const text = `expected at least ${MIN_DATA_BYTES} bytes of data, got ${length}`
    return { reason: 'framing', text }
  }
  if (used > maxBytes) {
    const text = `expected a packet of at most ${maxBytes} bytes, got ${used}`
    return { reason: 'packet_size', text }
  }
  if (bytes.length < used) return null
  const data = bytes.subarray(HEAD_BYTES, HEAD_BYTES + length)
  const [codec = 0, records = 0] = data
  return {
    frame: bytes.subarray(0, used),
    isIntact: bytes.readUInt32BE(HEAD_BYTES + length) === crc16(data),
    records: COMMANDS.has(codec) ? null : records,
    used,
  }
}

const PING = 0xff

/** Single bytes 0xFF keep a mobile network from dropping the connection between two packets. */
export function pingsAt(bytes: Buffer): number {
  let pings = 0
  while (bytes[pings] === PING) pings += 1
  return pings
}
