import type { Throughput } from '../../api/rows.ts'

type MinuteRow = Pick<Throughput, 'time' | 'messagesPerS'>

export const MINUTE_S = 60
const MINUTES = 120

/** One value for each whole minute of the two hours before the end; null where nothing arrived. */
export function messagesPerMinute(rows: readonly MinuteRow[], endS: number) {
  const byTime = new Map(
    rows.map(({ time, messagesPerS }) => [Date.parse(time ?? '') / 1000, messagesPerS]),
  )
  const times = Array.from({ length: MINUTES }, (_, at) => endS - (MINUTES - at) * MINUTE_S)
  return { times, values: times.map((time) => byTime.get(time) ?? null) }
}
