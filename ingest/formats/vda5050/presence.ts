import { nestsTooDeep } from '#lib/telemetry/json-depth.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import { NATIVE_PREFIX } from '#lib/telemetry/topics.ts'

/** The presence of a robot by one message: it sends `state`, or its `connection` has a state. */
export interface Presence {
  /** The robot of the device: the topic without its last level, '' on its native topics. */
  readonly robot: string
  readonly says: 'state' | 'online' | 'away'
}

/**
 * Null where the message is neither. Reads the topic, and the bytes only where the topic does not
 * decide.
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
 * 1.1 writes `online` in small letters too. Any other value, broken or hibernating, promises no
 * `state` every 30 s.
 */
function connectionIn(payload: Buffer): 'online' | 'away' | null {
  if (payload.length > MAX_CONNECTION_BYTES || !payload.includes(CONNECTION_STATE)) return null
  const value = parsed(payload)
  if (typeof value !== 'object' || value === null || !('connectionState' in value)) return null
  const { connectionState } = value
  if (typeof connectionState !== 'string') return null
  return connectionState.toUpperCase() === 'ONLINE' ? 'online' : 'away'
}

/** Null for a text that is no JSON, or nests too deep: its format rejects it. */
function parsed(payload: Buffer): unknown {
  const text = payload.toString()
  if (nestsTooDeep(text)) return null
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
