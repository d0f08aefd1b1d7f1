import type { ConformanceReport } from '#lib/telemetry/conformance.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Page } from '#lib/telemetry/page.ts'
import type { LastValue, ReadingRow } from '#lib/telemetry/reading.ts'
import type { ReadingsScan } from '#lib/store/scans.ts'
import type { RejectionReason, RejectionRow } from '#lib/telemetry/rejection.ts'
import type { Scope } from '#lib/telemetry/scope.ts'
import type { Span } from '#lib/telemetry/span.ts'
import type { Stage } from '#lib/telemetry/stage.ts'
import type { HeatHours } from './heat/hours.ts'

/** Messages of one device: accepted = stored + rejected + duplicate + pending. */
export interface DeliveryCounts {
  readonly device: FullId
  readonly accepted: number
  readonly stored: number
  readonly rejected: number
  readonly duplicate: number
  readonly pending: number
  /** Parts of `stored`: messages with a late reading, and with some elements rejected. */
  readonly late: number
  readonly partial: number
  /** From gaps in sequence numbers; null where several intakes have seen parts of a sequence. */
  readonly lost: number | null
  /** Messages towards the device: forwarded, never readings. */
  readonly commands: number
}

/** Messages of one Unix minute and stage of the platform whose latency lies in one bucket. */
export interface StageBucket {
  readonly minute: number
  readonly stage: string
  readonly bucket: number
  readonly n: number
}

export interface RejectionsScan extends Span {
  readonly scope: Scope
  readonly reasons: readonly RejectionReason[] | null
  readonly order: 'asc' | 'desc'
  readonly limit: number
  readonly cursor: string | null
}

export const REJECTION_GROUPINGS = ['reason', 'device', 'subDevice', 'format', 'path'] as const
export type RejectionGrouping = (typeof REJECTION_GROUPINGS)[number]

export interface RejectionGroupsScan extends Span {
  readonly scope: Scope
  readonly reasons: readonly RejectionReason[] | null
  readonly by: readonly RejectionGrouping[]
}

export interface RejectionGroup {
  /** Values of what was grouped by; `subDevice` is '' where there is none. */
  readonly group: Readonly<Partial<Record<RejectionGrouping, string>>>
  readonly count: number
  /** Of them, stored by a replay. */
  readonly recovered: number
  readonly firstNs: bigint
  readonly lastNs: bigint
}

/** A registered device, as far as heat is concerned. */
export interface HeatDevice {
  readonly id: FullId
  readonly kind: string
  readonly settings: Readonly<Record<string, unknown>>
  /** Settings as they were until a time, in the order of the changes. */
  readonly past?: readonly {
    readonly validTo: string
    readonly settings: Readonly<Record<string, unknown>>
  }[]
}

export type ReadReadings = (scan: ReadingsScan) => Promise<Page<ReadingRow>>

/** What the intake knows beside the store: it folds the messages that it took in itself. */
export interface IntakeStateReader {
  lastValues(scope: Scope): readonly LastValue[]
  /** Counts of one position; `accepted` is read after the others, so what lies between is pending. */
  delivery(scope: Scope): Promise<readonly DeliveryCounts[]>
  /** Latency of the platform's own stages, which belong to no device. */
  stageBuckets(span: Span): readonly StageBucket[]
  rejections(scan: RejectionsScan): Page<RejectionRow>
  rejectionGroups(scan: RejectionGroupsScan): readonly RejectionGroup[]
  /** `read` reads the latest readings of the device from the store. */
  conformance(device: FullId, read: ReadReadings): Promise<ConformanceReport>
  readonly heat: HeatState
}

export interface HeatState {
  devices(): readonly HeatDevice[]
  /** Hours that need no second scan; left out where other processes write to the same store. */
  readonly hours?: HeatHours | undefined
}

/** Stages that are measured by the platform itself and not by readings. */
export const PLATFORM_STAGES: ReadonlySet<Stage> = new Set(['durable', 'stored'])
