import type { JournaledMessage } from '#lib/telemetry/message.ts'
import { NATIVE_PREFIX } from '#lib/telemetry/topics.ts'

/** What a message says of a robot being there: that it sends `state`, or what `connection` says. */
export interface Presence {
  /** Which robot of the device: the topic without its last level, '' on its native topics. */
  readonly robot: string
  readonly says: 'state' | 'online' | 'away'
}

/**
 * Null where the message is neither; it costs a look at the topic, and at the bytes where that
 * tells nothing.
 */
export function presenceOf({ topic, payload }: Message): Presence | null {
  const slash = topic.lastIndexOf('/')
  const last = topic.slice(slash + 1)
  const robot = topic.startsWith(NATIVE_PREFIX) ? '' : topic.slice(0, slash)
  if (last === 'state') return { robot, says: 'state' }
  const isShared = last === 'vda5050' || last === 'telemetry'
  if (last !== 'connection' && !isShared) return null
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  const said = connectionIn(bytes)
  if (said !== null) return { robot, says: said }
  return isShared && OF_STATE.some((name) => bytes.includes(name)) ? { robot, says: 'state' } : null
}

type Message = Pick<JournaledMessage, 'topic' | 'payload'>

/** Names that only `state` has, of every version. */
const OF_STATE = ['batteryState', 'powerSupply', 'operatingMode', 'safetyState', 'nodeStates'].map(
  (name) => Buffer.from(`"${name}"`),
)
const CONNECTION_STATE = Buffer.from('"connectionState"')
/** Every message of `connection` is small: a larger one is something else. */
const MAX_CONNECTION_BYTES = 16 * 1024

/**
 * 1.1 writes `online` small too. Whatever else stands there, broken, hibernating or a word of its
 * own, does not promise `state` every 30 s.
 */
function connectionIn(payload: Buffer): 'online' | 'away' | null {
  if (payload.length > MAX_CONNECTION_BYTES || !payload.includes(CONNECTION_STATE)) return null
  const value = parsed(payload)
  if (typeof value !== 'object' || value === null || !('connectionState' in value)) return null
  const { connectionState } = value
  if (typeof connectionState !== 'string') return null
  return connectionState.toUpperCase() === 'ONLINE' ? 'online' : 'away'
}

/** Null for a text that is no JSON: its rejection is the business of the format. */
function parsed(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString())
  } catch {
    return null
  }
}
