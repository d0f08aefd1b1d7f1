import type { Kind } from '#lib/telemetry/catalogue.ts'
import type { Span } from '#lib/telemetry/questions.ts'
import type { Buckets } from '../../options.ts'
import type { Accumulator } from '../figures/accumulator.ts'
import type { Influx } from '../client/influx.ts'
import type { Part } from '../parts.ts'

/** The store as one question sees it: what InfluxDB has up to one position, and what is behind it. */
export interface View {
  /** The journal of this process; null where it only reads. */
  readonly journal: string | null
  /** Figures of this node are in InfluxDB up to this position. */
  readonly rolled: number
  /** Figures that are not in InfluxDB yet. */
  readonly fresh: readonly Accumulator[]
  /** Hours, as numbers, whose minutes say more than the hour figures do. */
  readonly dirtyHours: Iterable<number>
  /** All hours from this one on are dirty too. */
  readonly hoursToNs: bigint
  /** Minutes before it are gone; the hours stand for them. A whole hour. */
  readonly minuteFloorNs: bigint
  /** Newest device time whose raw readings retention has dropped; 0 when there is none. */
  readonly droppedNs: bigint
  /** What this process has written; null where it only reads. */
  readonly parts: ReadonlyMap<string, Part> | null
}

/** What a question needs to be answered. */
export interface Asking {
  readonly view: View
  readonly influx: Influx
  readonly buckets: Buckets
  readonly signal: AbortSignal
}

/** How many readings of some kinds lie in a span, by the catalogue; null where there is none. */
export function readingsWithinSpan(
  { parts }: View,
  kinds: readonly Kind[],
  { fromNs, toNs }: Span,
): number | null {
  if (!parts) return null
  let rows = 0
  for (const { extents } of parts.values()) {
    for (const kind of kinds) {
      const extent = extents.get(kind)
      if (!extent || extent.maxNs < fromNs || extent.minNs >= toNs) continue
      const from = extent.minNs > fromNs ? extent.minNs : fromNs
      const to = extent.maxNs < toNs ? extent.maxNs : toNs
      rows += (extent.rows * Number(to - from + 1n)) / Number(extent.maxNs - extent.minNs + 1n)
    }
  }
  return rows
}
