import { generate, parser, type Packet } from 'mqtt-packet'
import type { Qos } from '#lib/telemetry/message.ts'
import type { Frame } from './frame-reader.ts'

/** MQTT control packet types a client receives ([MQTT-2.2.1]). */
export const CONNACK = 2
export const PUBLISH = 3
export const SUBACK = 9
export const UNSUBACK = 11
export const PINGRESP = 13
export const DISCONNECT = 14

export type ProtocolVersion = 4 | 5

export const PINGREQ_BYTES = Buffer.from([0xc0, 0])

/** One PUBLISH of the foreign broker. */
export interface Delivery {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: Qos
  readonly retain: boolean
  readonly dup: boolean
  /** 0 for QoS 0. */
  readonly messageId: number
  readonly atNs: bigint
  readonly monoNs: bigint
}

/** Null: malformed. Of a packet over the limit only the beginning is there, and no payload. */
export function readDelivery(frame: Frame, version: ProtocolVersion): Delivery | null {
  const { bytes, bodyAt, end, flags, atNs, monoNs } = frame
  const qos = (flags >> 1) & 3
  if (qos === 3 || bodyAt + 2 > end) return null
  const topicEnd = bodyAt + 2 + bytes.readUInt16BE(bodyAt)
  const idEnd = topicEnd + (qos > 0 ? 2 : 0)
  if (idEnd > end || idEnd > bytes.length) return null
  const messageId = qos > 0 ? bytes.readUInt16BE(topicEnd) : 0
  const payloadAt = version === 5 ? afterProperties(bytes, idEnd, end) : idEnd
  const topic = bytes.toString('utf8', bodyAt + 2, topicEnd)
  if (payloadAt < 0 || topic === '' || (qos > 0 && messageId === 0)) return null
  return {
    topic,
    payload: bytes.subarray(payloadAt, end),
    // 3 was refused above.
    qos: qos as Qos,
    retain: (flags & 1) === 1,
    dup: (flags & 8) === 8,
    messageId,
    atNs,
    monoNs,
  }
}

/** The place behind the properties of MQTT 5 (2.2.2); -1 when they do not end within the packet. */
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

/** A control packet that comes seldom, read by mqtt-packet; null when it cannot be. */
export function readControl(frame: Frame, version: ProtocolVersion): Packet | null {
  let found: Packet | null = null
  const reader = parser({ protocolVersion: version })
  reader.on('packet', (packet) => (found = packet))
  reader.on('error', () => (found = null))
  reader.parse(frame.bytes.subarray(frame.at, frame.end))
  return found
}

export function writeControl(packet: Packet, version: ProtocolVersion): Buffer {
  return generate(packet, { protocolVersion: version })
}

/** A PUBLISH of QoS 0. */
export function writePublish(topic: string, payload: string, version: ProtocolVersion): Buffer {
  return writeControl(
    { cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false },
    version,
  )
}
