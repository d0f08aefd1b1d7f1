import type { AggregatedReading, FieldValue } from '../../data/answers.ts'

export interface MeterEvent {
  readonly device: string
  readonly sort: 'reset' | 'exchange' | 'gap'
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
 * What happened to the registers, from their first and last value in each hour. It only names what
 * is to be looked at; which energy counts is decided where heat is computed.
 */
export function meterEvents(rows: readonly AggregatedReading[], nowMs: number): MeterEvent[] {
  const byDevice = Map.groupBy(rows, ({ device }) => device)
  const events = [...byDevice].flatMap(([device, hours]) => {
    const sorted = hours.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time))
    const between = sorted.flatMap((hour, at) => {
      const before = sorted[at - 1]
      return [...within(device, hour), ...(before ? fromHour(device, before, hour) : [])]
    })
    const last = sorted.at(-1)
    return [...between, ...(last ? openGap(device, last, nowMs) : [])]
  })
  return events.toSorted((a, b) => Date.parse(b.time) - Date.parse(a.time))
}

function within(device: string, { time, fields }: AggregatedReading): MeterEvent[] {
  const { first, last } = fields['energyKwh'] ?? {}
  return fell(first, last) ? [event(device, 'reset', { time, before: first, after: last })] : []
}

function fromHour(
  device: string,
  before: AggregatedReading,
  { time, fields }: AggregatedReading,
): MeterEvent[] {
  const ids = [before.fields['meterId']?.last, fields['meterId']?.last] as const
  const gapMs = Date.parse(time) - Date.parse(before.time) - HOUR_MS
  const gap = gapMs > GAP_HOURS * HOUR_MS ? [event(device, 'gap', { time, gapMs })] : []
  if (ids[0] !== undefined && ids[1] !== undefined && ids[0] !== ids[1]) {
    return [...gap, event(device, 'exchange', { time, before: ids[0], after: ids[1] })]
  }
  const register = [before.fields['energyKwh']?.last, fields['energyKwh']?.first] as const
  if (!fell(register[0], register[1])) return gap
  return [...gap, event(device, 'reset', { time, before: register[0], after: register[1] })]
}

function openGap(device: string, { time }: AggregatedReading, nowMs: number): MeterEvent[] {
  const gapMs = nowMs - Date.parse(time) - HOUR_MS
  const noticed = new Date(nowMs).toISOString()
  return gapMs > GAP_HOURS * HOUR_MS ? [event(device, 'gap', { time: noticed, gapMs })] : []
}

function fell(before: FieldValue | undefined, after: FieldValue | undefined): boolean {
  return typeof before === 'number' && typeof after === 'number' && after < before
}

interface Told {
  readonly time: string
  readonly before?: FieldValue | null | undefined
  readonly after?: FieldValue | null | undefined
  readonly gapMs?: number
}

function event(
  device: string,
  sort: MeterEvent['sort'],
  { time, before = null, after = null, gapMs = 0 }: Told,
): MeterEvent {
  return { device, sort, time, before, after, gapMs }
}
