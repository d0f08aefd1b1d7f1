import type { Credential, Device } from '#lib/registry/registry.ts'
import type { ConformanceFacts, ConformanceFinding } from '#lib/telemetry/conformance.ts'
import type { SilenceRow } from '#lib/telemetry/live.ts'
import type { LastValue, ReadingRow } from '#lib/telemetry/questions.ts'
import type { RejectionReason } from '#lib/telemetry/rejection.ts'

/** Rejections of one device that say the same of the same place. */
export interface RejectionGroup {
  readonly reason: RejectionReason
  /** Elements of an array are one place: `[].data.speedKmh`. */
  readonly path: string
  readonly count: number
  /** Of the newest of them. */
  readonly expected: string
  readonly got: string
  /** What stood there, or how the payload began. */
  readonly value: string
  readonly lastAtNs: bigint
}

/** A format that reads what the device sends and its own format does not. */
export interface OtherFormat {
  readonly name: string
  /** The format that was tried in vain. */
  readonly instead: string
  /** Beginning of the payload. */
  readonly excerpt: string
}

/** All that is known of one device at one moment. */
export interface Evidence {
  readonly device: Device
  /** Of the registry, those that have ended too. */
  readonly credentials: readonly Credential[]
  readonly nowNs: bigint
  readonly facts: ConformanceFacts
  readonly rejected: readonly RejectionGroup[]
  readonly otherFormat: OtherFormat | null
  /** Latest value of each field, per kind. */
  readonly last: readonly LastValue[]
  /** The latest readings of its own kind, oldest first; not many. */
  readonly readings: readonly ReadingRow[]
  /** Robots of it that are ONLINE and send no `state`. */
  readonly silences: readonly SilenceRow[]
}

/** One thing that may be wrong: pure, one file or table row each, listed in `judgements.ts`. */
export interface Judgement {
  /** Every code it may find: rows of docs/conformance.md. */
  readonly codes: readonly string[]
  judge(evidence: Evidence): readonly ConformanceFinding[]
}
