import { isProblem, type Problem } from '../payload/problem.ts'
import { crc16 } from './crc16.ts'

export interface Frame {
  readonly codec: 8 | 0x8e | 16 | 'command'
  /** From the codec id to the second count, both included. */
  readonly data: Uint8Array
}

/** Preamble and length before the data, a checksum of four bytes after it. */
const HEAD = 8
const TAIL = 4
/** Codec id and two counts. */
const MIN_DATA = 3

/** Takes a packet out of its frame. */
export function openFrame(payload: Uint8Array): Frame | Problem {
  const bytes = bytesOf(payload)
  if (isProblem(bytes)) return bytes
  if (bytes.length < HEAD + MIN_DATA + TAIL) {
    return wrong(`at least ${HEAD + MIN_DATA + TAIL} bytes`, `${bytes.length} bytes`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const preamble = view.getUint32(0)
  if (preamble !== 0) return wrong('four zero bytes, as a packet over TCP begins', hex(preamble, 8))
  const length = view.getUint32(4)
  if (length !== bytes.length - HEAD - TAIL) {
    return wrong(`${length} bytes of data, as its head says`, `${bytes.length - HEAD - TAIL} bytes`)
  }
  const data = bytes.subarray(HEAD, HEAD + length)
  const sum = view.getUint32(HEAD + length)
  const expected = crc16(data)
  if (sum !== expected) return wrong(`the checksum ${hex(expected, 4)}`, hex(sum, 4))
  return codecOf(data)
}

const COMMANDS = new Set([12, 13, 14])

/** Codecs of Teltonika that carry no readings of the tracker. */
const UNREAD: Readonly<Record<number, string>> = {
  15: 'Codec 15 (0x0F): data of a serial port, which are not read',
}

function codecOf(data: Uint8Array): Frame | Problem {
  const [codec = 0] = data
  if (codec === 8 || codec === 0x8e || codec === 16) return { codec, data }
  if (COMMANDS.has(codec)) return { codec: 'command', data }
  const got = UNREAD[codec] ?? hex(codec, 2)
  return wrong('Codec 8, 8E or 16 (0x08, 0x8E, 0x10)', got)
}

const ZERO_SIGN = 0x30
const HEX = /^(?:[0-9a-f]{2})+$/i

/** The bytes of a packet. It begins with zero bytes, its hexadecimal text with the character 0. */
function bytesOf(payload: Uint8Array): Uint8Array | Problem {
  if (payload[0] !== ZERO_SIGN) return payload
  const text = Buffer.from(payload).toString('latin1').trim()
  if (HEX.test(text)) return Buffer.from(text, 'hex')
  return wrong('hexadecimal text of whole bytes', `${text.length} characters that are not`)
}

function wrong(expected: string, got: string): Problem {
  return { path: [], expected, got }
}

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).toUpperCase().padStart(digits, '0')}`
}
