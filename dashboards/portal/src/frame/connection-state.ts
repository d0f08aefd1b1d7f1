export type ConnectionState = 'live' | 'behind' | 'disconnected'

export interface ConnectionFacts {
  readonly isReached: boolean
  readonly newestMs: number | null
  readonly nowMs: number
}

export interface Connection {
  readonly state: ConnectionState
  /** Age of the newest event, ms; null before the first one. */
  readonly ageMs: number | null
}

/** When the newest event is older, the page does not show the present. */
const BEHIND_MS = 20_000

export function connectionOf({ isReached, newestMs, nowMs }: ConnectionFacts): Connection {
  const ageMs = newestMs === null ? null : Math.max(0, nowMs - newestMs)
  if (!isReached) return { state: 'disconnected', ageMs }
  return { state: ageMs === null || ageMs > BEHIND_MS ? 'behind' : 'live', ageMs }
}
