import type { Frame } from './frame.ts'
import { afterBytes, afterString } from './strings.ts'

/** Protocol names of MQTT 3.1.1 and 5, and of MQTT 3.1. */
const PROTOCOL_NAMES: ReadonlySet<string> = new Set(['MQTT', 'MQIsdp'])

/** Bits of the connect flags (3.1.2.3). */
const USER_NAME = 0x80
const PASSWORD = 0x40
const WILL_RETAIN = 0x20
const WILL_QOS = 0x18
const WILL = 0x04
const RESERVED = 0x01

/** Level, flags and keep-alive, between the protocol name and the payload. */
const FIXED_BYTES = 4

/** The protocol level of a CONNECT: 3, 4, 5 or one that is not known; null: it is none of MQTT. */
export function protocolLevelOf(bytes: Buffer, { bodyAt, end }: Frame): number | null {
  const at = afterBytes(bytes, bodyAt, end)
  if (at < 0 || !PROTOCOL_NAMES.has(bytes.toString('latin1', bodyAt + 2, at))) return null
  const level = at < end ? bytes[at] : undefined
  return level === undefined ? null : level & 127
}

/**
 * What MQTT 3.1 and 3.1.1 do not allow in a CONNECT; null when it is well-formed. The parser behind
 * lets some of it pass, above all a will of QoS 3, which no subscriber could be sent.
 */
export function connectProblem(bytes: Buffer, { bodyAt, end, flags }: Frame): string | null {
  if (flags !== 0) return 'a CONNECT with flags in its fixed header [MQTT-2.2.2-2]'
  const at = afterString(bytes, bodyAt, end)
  if (at < 0 || at + FIXED_BYTES > end) return 'a CONNECT that is cut off'
  const connectFlags = bytes[at + 1] ?? 0
  return flagsProblem(connectFlags) ?? payloadProblem(bytes, at + FIXED_BYTES, end, connectFlags)
}

function flagsProblem(flags: number): string | null {
  if (flags & RESERVED) return 'a CONNECT with its reserved flag set [MQTT-3.1.2-3]'
  const willQos = flags & WILL_QOS
  if (!(flags & WILL) && willQos) return 'a will QoS without a will [MQTT-3.1.2-13]'
  if (!(flags & WILL) && flags & WILL_RETAIN) return 'a will retain without a will [MQTT-3.1.2-15]'
  if (willQos === WILL_QOS) return 'a will of QoS 3 [MQTT-3.1.2-14]'
  return !(flags & USER_NAME) && flags & PASSWORD
    ? 'a password without a user name [MQTT-3.1.2-22]'
    : null
}

/** Client id, will topic, will message, user name, password: as many as the flags say, and no more. */
function payloadProblem(bytes: Buffer, from: number, end: number, flags: number): string | null {
  let at = afterString(bytes, from, end)
  if (at < 0) return 'a client id that is cut off, or no UTF-8 [MQTT-3.1.3-4]'
  if (flags & WILL) {
    const topicEnd = afterString(bytes, at, end)
    if (topicEnd < 0) return 'a will topic that is cut off, or no UTF-8 [MQTT-3.1.3-10]'
    const topic = bytes.toString('utf8', at + 2, topicEnd)
    if (topic === '') return 'an empty will topic [MQTT-4.7.3-1]'
    if (/[+#]/.test(topic)) return 'a will topic with wildcards [MQTT-3.3.2-2]'
    at = afterBytes(bytes, topicEnd, end)
    if (at < 0) return 'a will message that is cut off'
  }
  if (flags & USER_NAME) at = afterString(bytes, at, end)
  if (at < 0) return 'a user name that is cut off, or no UTF-8 [MQTT-3.1.3-11]'
  if (flags & PASSWORD) at = afterBytes(bytes, at, end)
  return at === end ? null : 'a CONNECT whose fields do not end with it'
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
