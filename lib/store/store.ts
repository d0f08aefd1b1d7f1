import type { FullId } from '#lib/telemetry/ids.ts'
import type { Kind } from '#lib/telemetry/catalogue.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import type { Questions } from '#lib/telemetry/questions.ts'

/** Readings of a run of journal positions, in the order of the journal. */
export interface StoreBatch {
  /** UUID of the journal the positions belong to. */
  readonly journal: string
  /** Last position the batch covers (messages without readings count too). */
  readonly toPosition: number
  readonly readings: readonly Reading[]
}

/** A reading that the store does not take, whatever one does, and why: for a rejection. */
export interface RefusedReading {
  readonly position: number
  readonly index: number
  /** In the words of the store. */
  readonly words: string
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
  readonly index: number
}

/** What an earlier row says about an identity: the same again, same seq and time but other content. */
export type Known = 'same' | 'other_content' | 'unknown'

/** The questions a store answers; the others are answered from the state of the ingest role. */
export type StoreQuestion =
  | 'readings'
  | 'readingsFile'
  | 'readingDevices'
  | 'since'
  | 'aggregates'
  | 'latency'
  | 'throughput'
  | 'loss'
  | 'registers'
  | 'delays'

export interface MaintenanceReport {
  /** Every row at or below this position is in a checkpointed file: its journal may go. */
  readonly checkpointed: number
  readonly droppedPartitions: readonly string[]
  /** Journal positions whose figures are not derived yet: questions read their rows instead. */
  readonly behind: number
}

/**
 * Readings over time. Implementations pass `tests/contract/store.ts`.
 *
 * Life cycle: an opened store answers and writes until `close()` resolves; after that every call
 * throws CLOSED. Writes are given one at a time. Failing worlds throw STORE_UNAVAILABLE, and the
 * same batch may then be given again: a batch given twice leaves the rows of one.
 */
export interface Store {
  /** Highest position durable in each part of the store: to be handed to `open` next time. */
  positions(): Readonly<Record<string, number>>
  write(batch: StoreBatch): Promise<WriteReport>
  /** Looks among the rows that stand before each identity's own (position, index). */
  known(identities: readonly Identity[]): Promise<readonly Known[]>
  ask<K extends StoreQuestion>(
    name: K,
    question: Questions[K][0],
    signal?: AbortSignal,
  ): Promise<Questions[K][1]>
  /** Retention, roll-ups and checkpoints; called between writes, bounded in time. */
  maintain(nowNs: bigint): Promise<MaintenanceReport>
  /**
   * Puts everything written so far into files, gives each a second name in a folder, and answers
   * the names. What they hold now stays in them until the next `maintain`, also while writing goes
   * on. Called between writes.
   */
  freeze(dir: string): Promise<readonly string[]>
  close(): Promise<void>
}

/** What opening says beside the store itself. */
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
