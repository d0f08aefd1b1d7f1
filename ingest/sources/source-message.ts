import type { Clock } from '#lib/runtime/clock.ts'
import { incomingMessage, type IncomingMessage } from '#lib/telemetry/message.ts'

const AT_LEAST_ONCE = { qos: 1, retain: false, dup: false } as const

/** A message that did not come over MQTT: at least once, received now. */
export function sourceMessage(
  of: Pick<IncomingMessage, 'device' | 'topic'>,
  payload: Uint8Array,
  clock: Clock,
): IncomingMessage {
  const now = { receivedAtNs: clock.nowNs(), receivedMonoNs: clock.monoNs() }
  return incomingMessage(of, payload, AT_LEAST_ONCE, now)
}
