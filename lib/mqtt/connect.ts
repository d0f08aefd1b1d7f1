import type { Frame } from './frame.ts'

/** The protocol level of a CONNECT: 3, 4 or 5; 0 when there is none. */
export function protocolLevelOf(bytes: Uint8Array, { bodyAt, end }: Frame): number {
  const nameBytes = ((bytes[bodyAt] ?? 0) << 8) | (bytes[bodyAt + 1] ?? 0)
  const at = bodyAt + 2 + nameBytes
  return at < end ? (bytes[at] ?? 0) & 127 : 0
}

/** Return codes of CONNACK in MQTT 3.1.1 ([MQTT-3.2.2.3]). */
export const CONNACK_CODES = {
  wrongVersion: 1,
  identifierRejected: 2,
  unavailable: 3,
  badCredentials: 4,
  notAuthorized: 5,
} as const

/** CONNACK that refuses any version but 3.1.1, in the form that every client reads. */
export const CONNACK_WRONG_VERSION = Buffer.from([0x20, 2, 0, CONNACK_CODES.wrongVersion])
