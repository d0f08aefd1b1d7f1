import type { Frame } from './frame.ts'
import {
  DISCONNECT,
  PINGREQ,
  PUBACK,
  PUBCOMP,
  PUBREC,
  PUBREL,
  SUBSCRIBE,
  UNSUBSCRIBE,
} from './packet-types.ts'
import { afterString } from './strings.ts'

interface Shape {
  readonly name: string
  /** Flags of the fixed header ([MQTT-2.2.2-1]). */
  readonly flags: number
  /** The remaining length; null: it varies. */
  readonly length: number | null
}

/** What a client may send after its CONNECT, apart from PUBLISH. */
const SHAPES: ReadonlyMap<number, Shape> = new Map([
  [PUBACK, { name: 'PUBACK', flags: 0, length: 2 }],
  [PUBREC, { name: 'PUBREC', flags: 0, length: 2 }],
  [PUBREL, { name: 'PUBREL', flags: 2, length: 2 }],
  [PUBCOMP, { name: 'PUBCOMP', flags: 0, length: 2 }],
  [SUBSCRIBE, { name: 'SUBSCRIBE', flags: 2, length: null }],
  [UNSUBSCRIBE, { name: 'UNSUBSCRIBE', flags: 2, length: null }],
  [PINGREQ, { name: 'PINGREQ', flags: 0, length: 0 }],
  [DISCONNECT, { name: 'DISCONNECT', flags: 0, length: 0 }],
])

/** What MQTT 3.1.1 does not allow in a packet of a signed-in client; null when it is well-formed. */
export function packetProblem(bytes: Buffer, frame: Frame): string | null {
  const { type, flags, bodyAt, end } = frame
  const shape = SHAPES.get(type)
  if (!shape) return `a packet of type ${type}`
  if (flags !== shape.flags) return `${shape.name} with the flags ${flags} [MQTT-2.2.2-2]`
  if (shape.length === null) return filtersProblem(bytes, frame, shape.name)
  return end - bodyAt === shape.length
    ? null
    : `${shape.name} of ${end - bodyAt} bytes, where ${shape.length} belong`
}

function filtersProblem(bytes: Buffer, { type, bodyAt, end }: Frame, name: string): string | null {
  if (bodyAt + 2 > end || bytes.readUInt16BE(bodyAt) === 0) {
    return `${name} without a packet identifier [MQTT-2.3.1-1]`
  }
  let at = bodyAt + 2
  if (at === end) return `${name} without a filter [MQTT-3.8.3-3]`
  while (at < end) {
    const after = afterString(bytes, at, end)
    if (after < 0) return `${name} with a filter that is cut off, or no UTF-8 [MQTT-3.8.3-1]`
    if (after === at + 2) return `${name} with an empty filter [MQTT-4.7.3-1]`
    at = after
    if (type !== SUBSCRIBE) continue
    const qos = bytes[at]
    if (at === end || qos === undefined || qos > 2) {
      return 'SUBSCRIBE with a QoS other than 0, 1 or 2 [MQTT-3.8.3-4]'
    }
    at += 1
  }
  return null
}
