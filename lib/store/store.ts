import type { LatencyBuckets, LatencyRow } from '#lib/kpi/network/latency.ts'
import type { SequenceRow } from '#lib/kpi/network/loss.ts'
import type { CountRow } from '#lib/kpi/network/throughput.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Kind } from '#lib/telemetry/catalogue.ts'
import type { Reading, ReadingRow } from '#lib/telemetry/reading.ts'
import type { DelayRow } from '#lib/telemetry/delay.ts'
import type { TooMany } from '#lib/telemetry/too-many.ts'
import type {
  AggregateRow,
  AggregatesScan,
  DelaysScan,
  FigureScan,
  PercentilesScan,
  ReadingsFile,
  ReadingsFileScan,
  ReadingsScan,
  RegistersScan,
  SinceRows,
  SinceScan,
} from './scans.ts'
import type { RegisterRow } from '#lib/telemetry/heat.ts'
import type { Page } from '#lib/telemetry/page.ts'

/** Readings of a run of journal positions, in the order of the journal. */
export interface StoreBatch {
  /** UUID of the journal the positions belong to. */
  readonly journal: string
  /** Last position the batch covers (messages without readings count too). */
  readonly toPosition: number
  readonly readings: readonly Reading[]
}

/** A reading that the store will never take, and why: for a rejection. */
export interface RefusedReading {
  readonly position: number
  readonly readingOrdinal: number
  /** As the store gives it. */
  readonly reason: string
}

export interface WriteReport {
  /** All others of the batch are stored. */
  readonly refused: readonly RefusedReading[]
}

/**
 * What makes a reading the one it is (docs/devices.md, "What counts as the same reading"), and
 * where it stands.
 */
export interface Identity {
  readonly kind: Kind
  readonly device: FullId
  readonly channel: string
  readonly seq: number | null
  readonly timeNs: bigint
  readonly hash: bigint
  readonly position: number
  readonly readingOrdinal: number
}

/** What an earlier row says about an identity: the same again, same seq and time but other content. */
export type Known = 'same' | 'other_content' | 'unknown'

export interface MaintenanceReport {
  /** Every row at or below this position is in a checkpointed file: its journal may go. */
  readonly checkpointed: number
  readonly droppedPartitions: readonly string[]
  /** Journal positions whose figures are not derived yet: scans read their rows instead. */
  readonly behind: number
}

/** Reads readings and the figures derived from them. `signal` cancels a scan. */
export interface StoreReader {
  readings(scan: ReadingsScan, signal?: AbortSignal): Promise<Page<ReadingRow>>
  since(scan: SinceScan, signal?: AbortSignal): Promise<SinceRows>
  aggregates(scan: AggregatesScan, signal?: AbortSignal): Promise<Page<AggregateRow>>
  counts(scan: FigureScan, signal?: AbortSignal): Promise<readonly CountRow[]>
  latencyBuckets(scan: PercentilesScan, signal?: AbortSignal): Promise<readonly LatencyBuckets[]>
  /**
   * Loss by sequence numbers in the order of arrival, over all kinds of a channel, for whole minutes:
   * those that the span touches. A gap counts where the next number was measured.
   */
  sequenceRuns(scan: FigureScan, signal?: AbortSignal): Promise<readonly SequenceRow[]>
  registers(scan: RegistersScan, signal?: AbortSignal): Promise<readonly RegisterRow[] | TooMany>
  delays(scan: DelaysScan, signal?: AbortSignal): Promise<readonly DelayRow[] | TooMany>
}

/** What a store may give beside the buckets: percentiles of the raw values. */
export interface ExactLatency {
  /** Null where the span has too many rows, or rows that retention has dropped. */
  exactLatency(scan: PercentilesScan, signal?: AbortSignal): Promise<readonly LatencyRow[] | null>
}

/** Raw readings as Parquet. */
export interface ReadingsFiles {
  readingsFile(scan: ReadingsFileScan, signal?: AbortSignal): Promise<ReadingsFile>
  /** Devices with readings in the scan. */
  readingDevices(scan: ReadingsFileScan, signal?: AbortSignal): Promise<readonly FullId[]>
}

/**
 * Takes readings. Calls are made one at a time. A batch that failed with STORE_UNAVAILABLE may be
 * given again: a batch given twice leaves the rows of one.
 */
export interface StoreWriter {
  /** Highest position durable in each part of the store: to be handed to `open` next time. */
  positions(): Readonly<Record<string, number>>
  write(batch: StoreBatch): Promise<WriteReport>
  /** Looks among the rows before each identity's own (position, readingOrdinal). */
  known(identities: readonly Identity[]): Promise<readonly Known[]>
}

export interface StoreUpkeep {
  /**
   * Roll-ups, checkpoints and retention; called between writes, bounded in time. What is past its
   * retention at `expiryNs` goes, nothing with null: where nobody knows what time it is.
   */
  maintain(nowNs: bigint, expiryNs?: bigint | null): Promise<MaintenanceReport>
  /**
   * Puts everything written so far into files, hard-links each into a folder and returns their
   * names. Their contents stay as they are until the next `maintain`, also while writing goes on.
   * Called between writes.
   */
  freeze(dir: string): Promise<readonly string[]>
  /** What an operator should know: rows that are not ours, damaged files. */
  warnings(): readonly string[]
  close(): Promise<void>
}

/** The parts of a store that queries read. */
export interface ReadableStore {
  readonly reader: StoreReader
  readonly exact: ExactLatency | null
  readonly files: ReadingsFiles
}

/**
 * Readings over time. Implementations pass `tests/contract/store.ts`.
 *
 * Life cycle: an opened store reads and writes until `close()` resolves; after that every call
 * throws CLOSED. A store that cannot be reached throws STORE_UNAVAILABLE.
 */
export interface Store extends ReadableStore {
  readonly writer: StoreWriter
  readonly upkeep: StoreUpkeep
}

/** A store that was opened, and what was found missing. */
export interface OpenedStore {
  readonly store: Store
  /**
   * First position from which rows may be missing although they were written before (a quarantined
   * WAL, a lost file); null when nothing is missing. The journal is read again from there.
   */
  readonly missingFrom: number | null
}

export interface StoreRetention {
  /** Days that raw readings of trucks, robots, radios and probes are kept. */
  readonly fleetDays: number
  /** Days that raw readings of heat and energy meters are kept. */
  readonly meteringDays: number
  readonly minuteDays: number
  readonly hourDays: number
}

export interface StoreLimits {
  readonly queryTimeoutMs: number
  readonly queryConcurrency: number
  readonly queryQueue: number
}
