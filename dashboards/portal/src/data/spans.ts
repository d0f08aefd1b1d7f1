/** Spans of time that the page queries. */
export const SPANS = ['15m', '1h', '24h'] as const
export type SpanName = (typeof SPANS)[number]

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

export const SPAN_MS: Readonly<Record<SpanName, number>> = {
  '15m': 15 * MINUTE_MS,
  '1h': HOUR_MS,
  '24h': DAY_MS,
}

export function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}

/** The day of the testbed begins at its own midnight, wherever the visitor is. */
export const TIME_ZONE = 'Europe/Copenhagen'

/** Start of the local day that holds the moment. */
export function startOfDayMs(ms: number, timeZone = TIME_ZONE): number {
  const offset = (at: number) => zoneOffsetMs(at, timeZone)
  const localMs = ms + offset(ms)
  const midnight = Math.floor(localMs / DAY_MS) * DAY_MS
  // The offset of midnight itself: it may differ on the day when the clocks are changed.
  return midnight - offset(midnight - offset(ms))
}

function zoneOffsetMs(ms: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(ms)
  const part = (type: string) => Number(parts.find((one) => one.type === type)?.value)
  const local = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  )
  return local - Math.floor(ms / 1000) * 1000
}
