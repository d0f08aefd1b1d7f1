import type { IncomingMessage } from '#lib/telemetry/message.ts'
import type { PublishTopic } from '../connections/connection.ts'
import type { Outgoing } from './forward.ts'

type Flags = Pick<IncomingMessage, 'qos' | 'retain' | 'dup'>
type ReadTime = Pick<IncomingMessage, 'receivedAtNs' | 'receivedMonoNs'>

/** A message on a topic that its account may publish to. */
export function messageOf(
  { route, topic }: PublishTopic,
  payload: Uint8Array,
  { qos, retain, dup }: Flags,
  { receivedAtNs, receivedMonoNs }: ReadTime,
): IncomingMessage {
  return {
    device: route?.device ?? '',
    topic,
    payload,
    qos,
    retain,
    dup,
    will: false,
    receivedAtNs,
    receivedMonoNs,
    origin: null,
  }
}

/** The same message for subscribers; `borrowed` bytes are copied. */
export function outgoingOf(
  { scoped }: PublishTopic,
  { payload, qos, retain }: IncomingMessage,
  borrowed: boolean,
): Outgoing {
  return { topic: scoped, payload: borrowed ? Buffer.from(payload) : payload, qos, retain }
}
