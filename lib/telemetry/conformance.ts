import type { Flag } from './flags.ts'
import type { FullId } from './ids.ts'
import type { ClientCertificate } from './intake.ts'

export const SEVERITIES = ['error', 'warning', 'info'] as const
export type Severity = (typeof SEVERITIES)[number]

/** One thing an integrator should know about what a device sends. */
export interface ConformanceFinding {
  /** A row of docs/conformance.md. */
  readonly code: string
  readonly severity: Severity
  /** Of the field in the payload, or of a part of the connection; '' for the whole. */
  readonly path: string
  /** What was observed. */
  readonly example: string
  /** What to do about it. */
  readonly advice: string
}

export interface ClockFacts {
  /** Device clock minus platform clock; true within +/- boundMs (docs/domain.md 5.4). */
  readonly offsetMs: number
  readonly boundMs: number
  readonly measuredAtNs: bigint
  readonly syncClass: 'A' | 'B' | 'C' | 'D'
}

/** Sums over the channels that carry sequence numbers. */
export interface SequenceFacts {
  readonly received: number
  readonly lost: number
  readonly restarts: number
  readonly reordered: number
}

export interface RateFacts {
  readonly messages: number
  readonly spanS: number
  readonly messagesPerS: number
}

/** How a device uses MQTT: its own messages, replays left out. */
export interface TransportFacts {
  readonly messages: number
  /** Messages of QoS 0, 1 and 2. */
  readonly qos: readonly [number, number, number]
  /** With the retain flag, and readings in them. */
  readonly retained: number
  readonly redelivered: number
  readonly wills: number
  readonly meanBytes: number
  readonly maxBytes: number
}

/** The facts about a device. Null means that nothing is known. */
export interface ConformanceFacts {
  readonly kind: string
  readonly registeredFormat: string
  /** The format that read its last message, and the topic of it. */
  readonly lastFormat: string | null
  readonly lastTopic: string | null
  readonly firstReceivedAtNs: bigint | null
  readonly lastReceivedAtNs: bigint | null
  /** Counted in messages that are completely processed. */
  readonly read: number
  readonly stored: number
  readonly rejected: number
  readonly duplicate: number
  readonly clock: ClockFacts | null
  readonly sequence: SequenceFacts | null
  readonly rate: RateFacts | null
  readonly transport: TransportFacts | null
  /** Of the last sign-in; null where it had none. */
  readonly certificate: ClientCertificate | null
  /** Readings with each quality flag. */
  readonly flags: Readonly<Partial<Record<Flag, number>>>
  /** Readings with each name that their kind does not have, by its path. */
  readonly unknownFields: Readonly<Record<string, number>>
}

export interface ConformanceReport {
  readonly device: FullId
  /** The worst first. */
  readonly findings: readonly ConformanceFinding[]
  readonly facts: ConformanceFacts
}
