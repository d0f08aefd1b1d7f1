import { generate, parser, type Packet } from 'mqtt-packet'
import type { Frame } from './frame.ts'
import type { ProtocolVersion } from './packet-types.ts'

/** What a client sends without any content. */
export const PINGREQ_PACKET = Buffer.from([0xc0, 0])
export const DISCONNECT_PACKET = Buffer.from([0xe0, 0])

/** A control packet that comes seldom, read by mqtt-packet; null when it is malformed. */
export function readControl(
  bytes: Buffer,
  { at, end }: Frame,
  version: ProtocolVersion,
): Packet | null {
  let found: Packet | null = null
  const reader = parser({ protocolVersion: version })
  reader.on('packet', (packet) => (found = packet))
  reader.on('error', () => (found = null))
  reader.parse(bytes.subarray(at, end))
  return found
}

export function writeControl(packet: Packet, version: ProtocolVersion): Buffer {
  return generate(packet, { protocolVersion: version })
}
