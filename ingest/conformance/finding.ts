import type { Credential, Device } from '#lib/registry/registry.ts'
import type { ConformanceFacts, ConformanceFinding } from '#lib/telemetry/conformance.ts'
import type { SilenceRow } from '#lib/telemetry/live.ts'
import type { LastValue, ReadingRow } from '#lib/telemetry/reading.ts'
import type { RejectionReason } from '#lib/telemetry/rejection.ts'

/** Rejections of one device with the same reason at the same path. */
export interface RejectionGroup {
  readonly reason: RejectionReason
  /** Without the indices of elements: `[].data.speedKmh`. */
  readonly path: string
  readonly count: number
  /** From the newest of them. */
  readonly expected: string
  readonly got: string
  /** The value at the path, or the beginning of the payload. */
  readonly value: string
  readonly lastAtNs: bigint
}

/** A format that can read a payload that the device's own format cannot. */
export interface OtherFormat {
  readonly name: string
  /** The format that refused the payload. */
  readonly instead: string
  /** Beginning of the payload. */
  readonly excerpt: string
}

/** Everything known of one device at one moment. */
export interface Evidence {
  readonly device: Device
  /** From the registry, including those that have ended. */
  readonly credentials: readonly Credential[]
  readonly nowNs: bigint
  readonly facts: ConformanceFacts
  /** How far its clock is behind, where its readings lag by the same time for minutes; ms. */
  readonly constantLagMs: number | null
  readonly rejected: readonly RejectionGroup[]
  readonly otherFormat: OtherFormat | null
  /** Latest value of each field, per kind. */
  readonly last: readonly LastValue[]
  /** The latest readings of its own kind, oldest first; not many. */
  readonly readings: readonly ReadingRow[]
  /** Its robots that are ONLINE and send no `state`. */
  readonly silences: readonly SilenceRow[]
}

/**
 * A rule for one or a few findings: pure, one file in `findings/` each, listed in `catalogue.ts`.
 */
export interface FindingRule {
  /** Every code it may find; each is a row of docs/conformance.md. */
  readonly codes: readonly string[]
  find(evidence: Evidence): readonly ConformanceFinding[]
}
