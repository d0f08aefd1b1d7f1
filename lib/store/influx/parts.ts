import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import type { RetentionClass } from '#lib/telemetry/field.ts'
import type { Reading } from '#lib/telemetry/reading.ts'

/*
 * InfluxDB cuts its shards itself. A part here is an entry of a catalogue: the readings of one
 * receive day (fleets) or month (meters), how far it goes and which device times it spans. By it
 * rows that may be missing are noticed, and retention knows what it drops.
 */

export interface Extent {
  rows: number
  minNs: bigint
  maxNs: bigint
}

export interface Part {
  readonly name: string
  readonly retention: RetentionClass
  /** Readings at or below it are in InfluxDB. */
  position: number
  readonly extents: Map<Kind, Extent>
}

export function createPart(name: string, retention: RetentionClass): Part {
  return { name, retention, position: 0, extents: new Map() }
}

export function retentionOf(kind: Kind): RetentionClass {
  return KINDS[kind].retention
}

export function widen(part: Part, { kind, timeNs }: Pick<Reading, 'kind' | 'timeNs'>): void {
  const extent = part.extents.get(kind)
  if (!extent) {
    part.extents.set(kind, { rows: 1, minNs: timeNs, maxNs: timeNs })
    return
  }
  extent.rows += 1
  if (timeNs < extent.minNs) extent.minNs = timeNs
  if (timeNs > extent.maxNs) extent.maxNs = timeNs
}

/** Newest device time of a part. */
export function newestNs({ extents }: Part): bigint {
  let newest = 0n
  for (const { maxNs } of extents.values()) if (maxNs > newest) newest = maxNs
  return newest
}
