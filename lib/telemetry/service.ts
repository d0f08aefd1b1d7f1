import type { FullId } from './ids.ts'

/** More rows lie behind the question than the limit: it must be narrowed. */
export interface TooMany {
  readonly tooMany: true
  readonly limit: number
}

export function isTooMany(answer: object): answer is TooMany {
  return 'tooMany' in answer
}

/** A message of a channel, and how long it was on its way. */
export interface DelayRow {
  readonly device: FullId
  readonly channel: string
  readonly seq: number | null
  readonly timeNs: bigint
  readonly receivedAtNs: bigint
  readonly uplinkMs: number | null
  readonly clockBoundMs: number | null
  /** Of a probe reading whose value is possible. */
  readonly rttMs: number | null
  /** Whether the delay counts for latency: late and replayed ones and wrong clocks do not. */
  readonly counts: boolean
  /** Whether the device gave a time of its own that can be one. */
  readonly timed: boolean
}

interface SeriesRow {
  readonly device: FullId
  readonly channel: string
}

/** The service of one device and channel (docs/domain.md 5.1), and what its messages prove. */
export interface AvailabilityRow extends SeriesRow {
  /** `relative`: the least delay is unknown, and counts as none. */
  readonly method: 'rtt' | 'uplink' | 'relative'
  readonly availability: number | null
  readonly observedMs: number
  readonly downMs: number
  readonly outages: number
  readonly longestOutageMs: number
  readonly n: number
  readonly late: number
  /** Null where the messages carry no numbers: what is lost cannot be seen then. */
  readonly lost: number | null
  readonly clockBoundMs: number | null
}

/** How much the delay of one device and channel varies: free of any constant clock offset. */
export interface JitterRow extends SeriesRow {
  readonly stage: 'age' | 'rtt'
  readonly n: number
  readonly ipdvN: number
  readonly ipdvMeanMs: number | null
  readonly ipdvP95Ms: number | null
  readonly pdvP95Ms: number | null
  readonly pdvP999Ms: number | null
  readonly jitterMs: number | null
}
