import type { CalendarBucket } from '#lib/kpi/calendar.ts'
import type { Span } from '#lib/telemetry/span.ts'

/** The part of a query that says its intervals, where they follow the local calendar. */
export interface Calendar {
  readonly buckets?: readonly CalendarBucket[] | null | undefined
}

interface IntervalScan extends Span {
  readonly everyNs: bigint | null
}

/**
 * The rows of a scan with intervals. Those of the calendar have no common length, so each of them is
 * a scan without intervals; other scans get their turn in between.
 */
export async function perInterval<
  S extends IntervalScan,
  R extends { readonly time?: bigint | undefined },
>(
  { buckets = null, ...scan }: S & Calendar,
  run: (scan: Omit<S & Calendar, 'buckets'>) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  if (buckets === null) return await run(scan)
  const rows: R[] = []
  for (const { startNs, fromNs, toNs } of buckets) {
    const found = await run({ ...scan, fromNs, toNs, everyNs: null })
    for (const row of found) rows.push({ ...row, time: startNs })
  }
  return rows
}
