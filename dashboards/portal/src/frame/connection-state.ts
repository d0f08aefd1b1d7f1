export type ConnectionState = 'live' | 'behind' | 'disconnected'

export interface ConnectionFacts {
  /** When the platform last sent anything, by its own clock. */
  readonly contactMs: number
  /** Whether the last request failed. */
  readonly isFailing: boolean
  readonly newestMs: number | null
  readonly nowMs: number
}

export interface Connection {
  readonly state: ConnectionState
  /** Age of the newest event, ms, null before the first one; disconnected: of the last contact. */
  readonly ageMs: number | null
}

/** When the newest event is older, the page does not show the present. */
const BEHIND_MS = 20_000
/** One request may fail while others, or events, still arrive. */
const SILENCE_MS = 5000

export function connectionOf(facts: ConnectionFacts): Connection {
  const { contactMs, isFailing, newestMs, nowMs } = facts
  const silenceMs = nowMs - contactMs
  if (isFailing && silenceMs > SILENCE_MS) return { state: 'disconnected', ageMs: silenceMs }
  const ageMs = newestMs === null ? null : Math.max(0, nowMs - newestMs)
  return { state: ageMs === null || ageMs > BEHIND_MS ? 'behind' : 'live', ageMs }
}
