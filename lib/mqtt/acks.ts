// Written for speed: runs once per acknowledged message.
import type { PUBACK, PUBCOMP, PUBREC } from './packet-types.ts'

export type AckType = typeof PUBACK | typeof PUBREC | typeof PUBCOMP

export const ACK_BYTES = 4

/** Writes an acknowledgement. MQTT 5 lets reason code and properties be left out (3.4.2.1). */
export function writeAck(bytes: Buffer, at: number, type: AckType, messageId: number): void {
  bytes[at] = type << 4
  bytes[at + 1] = 2
  bytes[at + 2] = messageId >> 8
  bytes[at + 3] = messageId & 255
}
