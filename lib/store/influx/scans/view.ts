import type { Kind } from '#lib/telemetry/catalogue.ts'
import type { Span } from '#lib/telemetry/span.ts'
import type { Accumulator } from '../figures/accumulator.ts'
import type { Influx } from '../client/influx.ts'
import type { Part } from '../parts.ts'

/** The store as one question sees it: what InfluxDB has up to one position, and what is behind it. */
export interface View {
  readonly journal: string
  /** Figures of this node are in InfluxDB up to this position. */
  readonly rolled: number
  /** Figures that are not in InfluxDB yet. */
  readonly fresh: readonly Accumulator[]
  /** Hours, as numbers, whose minutes say more than the hour figures do. */
  readonly dirtyHours: Iterable<number>
  /** Minutes before it are gone; the hours stand for them. A whole hour. */
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

/** How many readings of some kinds lie in a span, by the catalogue. */
export function readingsWithinSpan(
  { parts }: View,
  kinds: readonly Kind[],
  { fromNs, toNs }: Span,
): number {
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
