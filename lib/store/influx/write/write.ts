import type { Reading } from '#lib/telemetry/reading.ts'
import { widened } from '../../extent.ts'
import { createPartNamer } from '../../part-names.ts'
import type { RefusedReading, StoreBatch } from '../../store.ts'
import type { Influx } from '../client/influx.ts'
import type { LocalState } from '../state/local-state.ts'
import { createPart, retentionOf } from '../state/part.ts'
import { readingLine, seriesOf } from './reading-point.ts'

export interface Writing {
  readonly influx: Influx
  readonly local: LocalState
  readonly series: SeriesBudget
  /** Lines of one request. */
  readonly lines: number
}

export interface Written {
  readonly refused: readonly RefusedReading[]
  /** Readings that were not in the store before. */
  readonly stored: readonly Reading[]
}

/**
 * Writes the readings of a batch that are not in their part yet. Only a few thousand lines exist at
 * a time, and nothing is remembered of a batch that fails: it comes again, as the same points.
 */
export async function writeBatch(
  { influx, local, series, lines: maxLines }: Writing,
  batch: StoreBatch,
): Promise<Written> {
  const fresh = freshReadings(local, batch)
  const refused: RefusedReading[] = []
  const stored: Reading[] = []
  for (let from = 0; from < fresh.length; from += maxLines) {
    const lines: string[] = []
    const some: Reading[] = []
    for (const { reading } of fresh.slice(from, from + maxLines)) {
      const name = seriesOf(reading)
      if (series.admits(name)) {
        lines.push(readingLine(reading, name, batch.journal))
        some.push(reading)
      } else refused.push(refusalOf(reading, series.reason))
    }
    const outcome = await influx.write(lines)
    const reasons = new Map(outcome.refused.map((one) => [one.at, one.reason]))
    for (const [at, reading] of some.entries()) {
      const reason = reasons.get(at)
      if (reason === undefined) stored.push(reading)
      else refused.push(refusalOf(reading, reason))
    }
  }
  enterParts(local, fresh, { stored: new Set(stored), toPosition: batch.toPosition })
  return { refused, stored }
}

interface Fresh {
  readonly reading: Reading
  readonly part: string
}

function freshReadings(
  { parts, dropped }: LocalState,
  { readings, toPosition }: StoreBatch,
): Fresh[] {
  const namePart = createPartNamer()
  const fresh: Fresh[] = []
  for (const reading of readings) {
    const { kind, receivedAtNs, position } = reading
    if (position > toPosition) {
      throw new RangeError(`expected rows up to ${toPosition}, got one of ${position}`)
    }
    const part = namePart(kind, receivedAtNs)
    const known = Math.max(parts.get(part)?.position ?? 0, dropped.get(part)?.position ?? 0)
    if (position > known) fresh.push({ reading, part })
  }
  return fresh
}

function enterParts(
  { parts }: LocalState,
  fresh: readonly Fresh[],
  { stored, toPosition }: { readonly stored: ReadonlySet<Reading>; readonly toPosition: number },
): void {
  const entered = fresh.filter(({ reading }) => stored.has(reading))
  for (const [name, ofPart] of Map.groupBy(entered, ({ part }) => part)) {
    const readings = ofPart.map(({ reading }) => reading)
    for (const [kind, ofKind] of Map.groupBy(readings, (reading) => reading.kind)) {
      const part = parts.get(name) ?? createPart(name, retentionOf(kind))
      parts.set(name, part)
      part.extents.set(kind, widened(part.extents.get(kind), ofKind))
      part.position = toPosition
    }
  }
}

function refusalOf({ position, readingOrdinal }: Reading, reason: string): RefusedReading {
  return { position, readingOrdinal, reason }
}

/** Keeps the number of series bounded: InfluxDB's index grows with it, and never shrinks. */
export interface SeriesBudget {
  readonly used: number
  readonly reason: string
  admits(series: string): boolean
}

export function createSeriesBudget(maxSeries: number): SeriesBudget {
  const seen = new Set<string>()
  return {
    get used() {
      return seen.size
    },
    reason: `more than ${maxSeries} series of device, channel and radio technology (PADBORG_INFLUX_MAX_SERIES)`,
    admits(series) {
      if (seen.has(series)) return true
      if (seen.size >= maxSeries) return false
      seen.add(series)
      return true
    },
  }
}
