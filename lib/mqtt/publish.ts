// Written for speed: runs once per message and allocates nothing for reading.
import type { Frame } from './frame.ts'
import { PUBLISH, type ProtocolVersion } from './packet-types.ts'

/** Where the parts of a PUBLISH lie. One object serves all messages of a reader. */
export interface PublishParts {
  qos: 0 | 1 | 2
  retain: boolean
  dup: boolean
  topicAt: number
  topicEnd: number
  /** 0 for QoS 0. */
  messageId: number
  /** The payload ends with the frame. */
  payloadAt: number
}

export function createPublishParts(): PublishParts {
  return {
    qos: 0,
    retain: false,
    dup: false,
    topicAt: 0,
    topicEnd: 0,
    messageId: 0,
    payloadAt: 0,
  }
}

/**
 * Reads the variable header of a PUBLISH ([MQTT-3.3.2]); false: malformed. Of a packet over the
 * limit the payload may be missing.
 */
export function readPublish(
  bytes: Buffer,
  { bodyAt, end, flags }: Frame,
  version: ProtocolVersion,
  parts: PublishParts,
): boolean {
  const qos = (flags >> 1) & 3
  if (qos === 3 || bodyAt + 2 > end) return false
  const topicAt = bodyAt + 2
  const topicEnd = topicAt + bytes.readUInt16BE(bodyAt)
  const idEnd = topicEnd + (qos > 0 ? 2 : 0)
  if (topicEnd === topicAt || idEnd > end || idEnd > bytes.length) return false
  const messageId = qos > 0 ? bytes.readUInt16BE(topicEnd) : 0
  const payloadAt = version === 5 ? afterProperties(bytes, idEnd, end) : idEnd
  if (payloadAt < 0 || (qos > 0 && messageId === 0)) return false
  // 3 was refused above.
  parts.qos = qos as 0 | 1 | 2
  parts.retain = (flags & 1) === 1
  parts.dup = (flags & 8) === 8
  parts.topicAt = topicAt
  parts.topicEnd = topicEnd
  parts.messageId = messageId
  parts.payloadAt = payloadAt
  return true
}

/** The place after the properties of MQTT 5 (2.2.2); -1 when they do not end within the packet. */
function afterProperties(bytes: Buffer, at: number, end: number): number {
  let length = 0
  let factor = 1
  for (let read = at; read < end && read < at + 4; read += 1) {
    const digit = bytes[read] ?? 0
    length += (digit & 127) * factor
    factor *= 128
    if (digit >= 128) continue
    return read + 1 + length <= end ? read + 1 + length : -1
  }
  return -1
}

/** A PUBLISH of QoS 0. */
export function writePublish(topic: string, payload: string, version: ProtocolVersion): Buffer {
  const topicBytes = Buffer.byteLength(topic)
  const propertyBytes = version === 5 ? 1 : 0
  const length = 2 + topicBytes + propertyBytes + Buffer.byteLength(payload)
  const header = lengthDigits(length)
  const packet = Buffer.allocUnsafe(1 + header.length + length)
  packet[0] = PUBLISH << 4
  packet.set(header, 1)
  const at = 1 + header.length
  packet.writeUInt16BE(topicBytes, at)
  packet.write(topic, at + 2)
  const propertiesAt = at + 2 + topicBytes
  if (version === 5) packet[propertiesAt] = 0
  packet.write(payload, propertiesAt + propertyBytes)
  return packet
}

/** The remaining length, seven bits a byte ([MQTT-2.2.3]). */
function lengthDigits(length: number): number[] {
  const digits: number[] = []
  let rest = length
  do {
    const digit = rest % 128
    rest = Math.floor(rest / 128)
    digits.push(rest > 0 ? digit | 128 : digit)
  } while (rest > 0)
  return digits
}

/** Whether `bytes[at, end)` are these; a loop beats a native call for the few bytes of a topic. */
export function isSameBytes(known: Buffer, bytes: Buffer, at: number, end: number): boolean {
  if (known.length !== end - at) return false
  for (let i = 0; i < known.length; i += 1) if (known[i] !== bytes[at + i]) return false
  return true
}
