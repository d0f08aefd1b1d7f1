import type { IncomingMessage, JournaledMessage } from '#lib/telemetry/message.ts'

/** A place in the journal: everything before it has been read. */
export interface Cursor {
  readonly segment: number
  readonly offset: number
  /** Position of the last record before the place; 0 at the very beginning. */
  readonly position: number
}

/** How far the journal is durable, and when the last group became so. */
export interface Durable extends Cursor {
  readonly atNs: bigint
}

export interface JournalStatus {
  readonly paused: boolean
  /** Why it is paused or failing, for people; '' when all is well. */
  readonly problem: string
  readonly bytes: number
  readonly segments: number
  readonly pendingMessages: number
  readonly pendingBytes: number
  readonly syncs: number
  readonly failedSyncs: number
}

/**
 * The only copy of an accepted message that must never be lost.
 *
 * Life cycle: after `open` resolves it takes messages; `close()` resolves when everything appended
 * is durable or has failed with CLOSED; nothing is written afterwards.
 */
export interface Journal {
  /** UUID, made once. */
  readonly id: string
  /**
   * Appends; `done` runs after the fsync, in the order of the calls. While the disk fails, `done`
   * waits and the write is tried again; it gets CLOSED only when the journal closes first.
   */
  append(message: IncomingMessage, done: (error: Error | null, position: number) => void): void
  readonly durable: Durable
  /** Runs after each group that became durable. */
  onDurable(listener: (durable: Durable) => void): void
  /** Back-pressure: nothing more should be appended (limit reached, disk full or writing fails). */
  readonly paused: boolean
  onPausedChange(listener: (paused: boolean) => void): void
  /** Everything at or below the position is in the store: its segments may go when due. */
  release(position: number): void
  /** Whether segments stay although they are old: while nobody knows what time it is. */
  keepOld(isKept: boolean): void
  status(): JournalStatus
  close(): Promise<void>
}

/** Reads durable records back; synchronous, so it lives in the ingest worker. */
export interface JournalReader {
  /** Cursor right after the record with this position (or the nearest one before it). */
  seek(position: number): Cursor
  /** Records from `from` up to `to`, at most about `maxBytes`, and where to go on. */
  read(
    from: Cursor,
    to: Cursor,
    maxBytes: number,
  ): { readonly messages: readonly JournaledMessage[]; readonly next: Cursor }
  close(): void
}
