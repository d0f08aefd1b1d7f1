import type { Accumulator } from '../figures/accumulator.ts'
import type { Influx } from '../client/influx.ts'
import type { Part } from '../state/part.ts'

/** The store as one scan sees it: what InfluxDB has up to one position, and what comes after it. */
export interface View {
  readonly journal: string
  /** Figures of this node are in InfluxDB up to this position. */
  readonly rolled: number
  /** Figures that are not in InfluxDB yet. */
  readonly fresh: readonly Accumulator[]
  /** Hours, as numbers, whose minutes are newer than their hour figures. */
  readonly dirtyHours: Iterable<number>
  /** Minutes before it are gone; the hours replace them. A whole hour. */
  readonly minuteFloorNs: bigint
  /** Newest device time whose raw readings retention has dropped; 0 when there is none. */
  readonly droppedNs: bigint
  /** What this process has written. */
  readonly parts: ReadonlyMap<string, Part>
}

/** What a scan runs on. */
export interface ScanContext {
  readonly view: View
  readonly influx: Influx
  readonly signal: AbortSignal
}
