import type { DuckDBConnection } from '@duckdb/node-api'
import type { ChannelSequence } from '../../sequences.ts'
import type { LossPart } from '../figures/loss-part.ts'
import { newestNs as newestOf } from '../../extent.ts'
import type { Part } from '../files/part.ts'
import { HOUR_NS, ceilTo } from '#lib/telemetry/time-grid.ts'
import type { Session } from '../files/session.ts'

/** The store as one scan sees it: these partitions, and the figures as of one position. */
export interface View {
  readonly parts: readonly Part[]
  readonly rolled: number
  /** Raw rows up to it are in the hours of the latency of single devices. */
  readonly latencyRolled: number
  readonly hoursRolled: number
  readonly minuteFloorNs: bigint
  /** As `minuteFloorNs`, for the latency of single devices. */
  readonly deviceFloorNs: bigint
  readonly channels: ReadonlyMap<string, ChannelSequence>
  /** Loss of what is written and not rolled up; null where the files must be read. */
  readonly lossAfterRollUp: () => LossPart | null
  /** Newest device time of all rows, kept or dropped. */
  readonly newestNs: bigint
  /** Newest device time whose raw row retention has dropped; 0 when there is none. */
  readonly droppedNs: bigint
}

/** What a scan runs on. */
export interface ScanContext {
  readonly view: View
  readonly connection: DuckDBConnection
}

/** Holds the partitions of a session until `work` has ended, so that none is detached under it. */
export async function withView<T>(session: Session, work: (view: View) => Promise<T>): Promise<T> {
  const { figures } = session
  const parts = [...session.parts.values()]
  let droppedNs = 0n
  let deviceFloorNs = figures.minuteFloorNs
  for (const { maxNs, hasMinutes } of figures.dropped.values()) {
    if (maxNs > droppedNs) droppedNs = maxNs
    if (!hasMinutes && maxNs >= deviceFloorNs) deviceFloorNs = ceilTo(maxNs + 1n, HOUR_NS)
  }
  let newestNs = droppedNs
  for (const { extents } of parts) {
    const newest = newestOf(extents)
    if (newest > newestNs) newestNs = newest
  }
  const { rolled, channels } = figures
  for (const part of parts) part.readers += 1
  try {
    return await work({
      parts,
      rolled,
      latencyRolled: figures.latencyRolled,
      hoursRolled: figures.hoursRolled,
      minuteFloorNs: figures.minuteFloorNs,
      deviceFloorNs,
      channels,
      lossAfterRollUp: () => session.lossTail.after(rolled, channels),
      newestNs,
      droppedNs,
    })
  } finally {
    for (const part of parts) part.readers -= 1
  }
}
