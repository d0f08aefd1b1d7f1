import type { Log } from '#lib/runtime/log.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import { KINDS, KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import type { RetentionClass } from '#lib/telemetry/field.ts'
import { periodEndNs } from '../../part-names.ts'
import { DAY_NS, HOUR_NS, daysNs, floorTo } from '#lib/telemetry/time-grid.ts'
import type { StoreRetention } from '../../store.ts'
import { FIGURE_MEASUREMENTS, type Flushing } from '../write/flush.ts'
import { identifier } from '../client/influxql.ts'
import { newestNs } from '../../extent.ts'
import type { Part } from './part.ts'

export interface Maintenance extends Flushing {
  readonly retention: StoreRetention
  readonly log: Log
}

/** Removes minutes and hours past their retention; minutes only once the hours have them. */
export async function expireFigures(maintenance: Maintenance, nowNs: bigint): Promise<void> {
  const { local, retention } = maintenance
  const oldest = Math.min(...local.dirtyHours.keys(), Number.MAX_SAFE_INTEGER)
  // Once a day: InfluxDB goes through every series for it.
  const wantedNs = floorTo(nowNs - daysNs(retention.minuteDays), DAY_NS)
  const cleanNs = BigInt(oldest) * HOUR_NS
  const floorNs = wantedNs < cleanNs ? wantedNs : cleanNs
  if (floorNs <= local.minuteFloorNs) return
  // From here on the hours are read, even if this process ends before the minutes are gone.
  local.setMinuteFloor(floorNs)
  await deleteBefore(maintenance, FIGURE_MEASUREMENTS.minute, floorNs)
  await deleteBefore(maintenance, FIGURE_MEASUREMENTS.hour, nowNs - daysNs(retention.hourDays))
}

/**
 * Parts go once their newest reading is past the retention and their figures are kept. With them
 * goes everything of their class that is as old, also what came later: it is past its time too.
 */
export async function dropExpired(maintenance: Maintenance, nowNs: bigint): Promise<string[]> {
  const { local, retention } = maintenance
  const gone: Part[] = []
  for (const part of local.parts.values()) {
    const keepNs = daysNs(part.retention === 'fleet' ? retention.fleetDays : retention.meteringDays)
    const isOver = periodEndNs(part.name) <= nowNs && newestNs(part.extents) < nowNs - keepNs
    if (isOver && part.position <= local.rolled) gone.push(part)
  }
  if (gone.length === 0) return []
  local.dropParts(gone)
  for (const [retentionClass, parts] of Map.groupBy(gone, (part) => part.retention)) {
    let newest = 0n
    for (const part of parts) if (newestNs(part.extents) > newest) newest = newestNs(part.extents)
    // Points are in the millisecond of their readings.
    await deleteBefore(maintenance, measurementsOf(retentionClass), newest + 1_000_000n)
  }
  return gone.map(({ name }) => name)
}

function measurementsOf(retentionClass: RetentionClass): string[] {
  return KIND_NAMES.filter((kind) => KINDS[kind].retention === retentionClass)
}

/**
 * A server without DELETE (3.x) keeps what the retention of the database itself keeps. Where nothing
 * is that old there is no DELETE at all: 1.x may lose a series that is begun at the same time.
 */
async function deleteBefore(
  { influx, log }: Maintenance,
  measurements: readonly string[],
  beforeNs: bigint,
): Promise<void> {
  for (const measurement of measurements) {
    try {
      const older = `FROM ${identifier(measurement)} WHERE time < ${beforeNs}`
      const found = await influx.query(`SELECT * ${older} LIMIT 1`)
      if (found.length > 0) await influx.query(`DELETE ${older}`)
    } catch (error) {
      log.warn(
        { measurement, reason: messageOf(error) },
        'InfluxDB did not delete what is past its retention; its own retention has to',
      )
      return
    }
  }
}
