import type { AggregatedReading, FieldValue } from '../../api/rows.ts'
import { firstOf, lastOf } from '../../data/aggregate.ts'

export interface MeterEvent {
  readonly device: string
  readonly type: 'reset' | 'exchange' | 'gap'
  /** When it was noticed: start of the hour after it. */
  readonly time: string
  readonly before: FieldValue | null
  readonly after: FieldValue | null
  /** Length of a gap. */
  readonly gapMs: number
}

const HOUR_MS = 3_600_000
/** Hours without a reading in a row: one alone is usual for hourly meters. */
const GAP_HOURS = 2

/**
 * Events of the registers, from their first and last value in each hour. They only point out what
 * needs attention; which energy counts is decided where heat is computed.
 */
export function meterEvents(rows: readonly AggregatedReading[], nowMs: number): MeterEvent[] {
  const byDevice = Map.groupBy(rows, ({ device }) => device)
  const events = [...byDevice].flatMap(([device, hours]) => {
    const sorted = hours.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time))
    const between = sorted.flatMap((hour, at) => {
      const before = sorted[at - 1]
      return [...withinHour(device, hour), ...(before ? betweenHours(device, before, hour) : [])]
    })
    const last = sorted.at(-1)
    return [...between, ...(last ? openGap(device, last, nowMs) : [])]
  })
  return events.toSorted((a, b) => Date.parse(b.time) - Date.parse(a.time))
}

function withinHour(device: string, { time, fields }: AggregatedReading): MeterEvent[] {
  const first = firstOf(fields['energyKwh'])
  const last = lastOf(fields['energyKwh'])
  return fell(first, last) ? [event(device, 'reset', { time, before: first, after: last })] : []
}

function betweenHours(
  device: string,
  before: AggregatedReading,
  { time, fields }: AggregatedReading,
): MeterEvent[] {
  const ids = [lastOf(before.fields['meterId']), lastOf(fields['meterId'])] as const
  const gapMs = Date.parse(time) - Date.parse(before.time) - HOUR_MS
  const gap = gapMs > GAP_HOURS * HOUR_MS ? [event(device, 'gap', { time, gapMs })] : []
  if (ids[0] !== undefined && ids[1] !== undefined && ids[0] !== ids[1]) {
    return [...gap, event(device, 'exchange', { time, before: ids[0], after: ids[1] })]
  }
  const register = [lastOf(before.fields['energyKwh']), firstOf(fields['energyKwh'])] as const
  if (!fell(register[0], register[1])) return gap
  return [...gap, event(device, 'reset', { time, before: register[0], after: register[1] })]
}

/** A gap that goes on until now. */
function openGap(device: string, { time }: AggregatedReading, nowMs: number): MeterEvent[] {
  const gapMs = nowMs - Date.parse(time) - HOUR_MS
  const now = new Date(nowMs).toISOString()
  return gapMs > GAP_HOURS * HOUR_MS ? [event(device, 'gap', { time: now, gapMs })] : []
}

function fell(before: FieldValue | undefined, after: FieldValue | undefined): boolean {
  return typeof before === 'number' && typeof after === 'number' && after < before
}

interface EventDetails {
  readonly time: string
  readonly before?: FieldValue | null | undefined
  readonly after?: FieldValue | null | undefined
  readonly gapMs?: number
}

function event(
  device: string,
  type: MeterEvent['type'],
  { time, before = null, after = null, gapMs = 0 }: EventDetails,
): MeterEvent {
  return { device, type, time, before, after, gapMs }
}
