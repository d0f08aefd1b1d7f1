import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import type { RetentionClass } from '#lib/telemetry/field.ts'
import type { Extent } from '../../extent.ts'

/*
 * InfluxDB cuts its shards itself. A part here is an entry of a catalogue: the readings of one
 * receive day (fleets) or month (meters), how far it goes and which device times it spans. By it
 * rows that may be missing are noticed, and retention knows what it drops.
 */

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
