/** MQTT control packet types a server deals with ([MQTT-2.2.1]). */
export const CONNECT = 1
export const PUBLISH = 3
export const PUBREL = 6

/** Control packets a client may send and Aedes handles, by type. */
export const FOR_AEDES: ReadonlySet<number> = new Set([1, 4, 5, 7, 8, 10, 12, 14])

/** Where a packet lies in a chunk. One object is used again and again: nothing is made per packet. */
export interface Frame {
  type: number
  flags: number
  /** First byte after the fixed header. */
  bodyAt: number
  /** First byte after the packet; 0 while its length is not known. */
  end: number
}

export type FrameState = 'whole' | 'partial' | 'malformed' | 'too-large'

export function createFrame(): Frame {
  return { type: 0, flags: 0, bodyAt: 0, end: 0 }
}

/** The longest fixed header: a type and four bytes of length. */
export const LONGEST_HEADER = 5

/** Reads the fixed header at `at`; the length decides before anything of the packet is kept. */
export function readFrame(
  bytes: Uint8Array,
  at: number,
  maxBytes: number,
  frame: Frame,
): FrameState {
  const first = bytes[at] ?? 0
  frame.type = first >> 4
  frame.flags = first & 15
  frame.end = 0
  let length = 0
  let factor = 1
  for (let read = at + 1; ; read += 1) {
    if (read - at >= LONGEST_HEADER) return 'malformed'
    const digit = bytes[read]
    if (digit === undefined) return 'partial'
    length += (digit & 127) * factor
    factor *= 128
    if (digit < 128) {
      frame.bodyAt = read + 1
      break
    }
  }
  frame.end = frame.bodyAt + length
  if (frame.end - at > maxBytes) return 'too-large'
  return frame.end > bytes.length ? 'partial' : 'whole'
}

/** The protocol level of a CONNECT packet: 3, 4 or 5; 0 when there is none. */
export function protocolLevelOf(bytes: Uint8Array, { bodyAt, end }: Frame): number {
  const nameBytes = ((bytes[bodyAt] ?? 0) << 8) | (bytes[bodyAt + 1] ?? 0)
  const at = bodyAt + 2 + nameBytes
  return at < end ? (bytes[at] ?? 0) & 127 : 0
}

const PUBACK = 0x40
const PUBREC = 0x50
const PUBCOMP = 0x70
export type AckType = typeof PUBACK | typeof PUBREC | typeof PUBCOMP
export { PUBACK, PUBREC, PUBCOMP }

/** CONNACK 1, "unacceptable protocol version", in the form of MQTT 3.1.1. */
export const CONNACK_WRONG_VERSION = Buffer.from([0x20, 2, 0, 1])

/** A PUBLISH of QoS 0. */
export function encodePublish(topic: string, payload: string): Buffer {
  const topicBytes = Buffer.byteLength(topic)
  const length = 2 + topicBytes + Buffer.byteLength(payload)
  const header = encodeLength(length)
  const packet = Buffer.allocUnsafe(1 + header.length + length)
  packet[0] = PUBLISH << 4
  packet.set(header, 1)
  const at = 1 + header.length
  packet.writeUInt16BE(topicBytes, at)
  packet.write(topic, at + 2)
  packet.write(payload, at + 2 + topicBytes)
  return packet
}

function encodeLength(length: number): number[] {
  const digits: number[] = []
  let rest = length
  do {
    const digit = rest % 128
    rest = Math.floor(rest / 128)
    digits.push(rest > 0 ? digit | 128 : digit)
  } while (rest > 0)
  return digits
}
