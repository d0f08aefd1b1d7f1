import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import type { RowsOf } from '#lib/queries/catalogue.ts'
import type { QueryResult } from '#lib/queries/query.ts'
import { queryResult } from '../../support/query-rows.ts'
import { ALL } from '#lib/telemetry/scope.ts'
import { openIngest, type Ingest } from '../../../ingest/open-ingest.ts'
import { UNWATCHED, ingestOptionsFor } from '../../support/ingest-options.ts'

/** A real ingest role: journal, worker and embedded store in a data directory. */
export function openTestIngest(dataDir: string, windowMs: number): Promise<Ingest> {
  return openIngest(
    ingestOptionsFor(dataDir, {
      PADBORG_JOURNAL_WINDOW_MS: String(windowMs),
      PADBORG_FAULT: process.env['PADBORG_FAULT'] ?? 'none',
    }),
    UNWATCHED,
    { clock: systemClock, log: createLog('warn') },
  )
}

/** `<device> <device time in ms>` of every truck reading in the store, as often as it is there. */
export async function storedTrucks(ingest: Ingest): Promise<string[]> {
  const rows: string[] = []
  let cursor: string | null = null
  do {
    const page: QueryResult<RowsOf<'readings'>[number]> = await queryResult(
      ingest.port,
      'readings',
      {
        fromNs: 0n,
        toNs: systemClock.nowNs() + 3_600_000_000_000n,
        scope: ALL,
        kind: 'truck',
        fields: [],
        hasFields: false,
        everyNs: null,
        order: 'asc',
        limit: 10_000,
        cursor,
      },
    )
    for (const { device, time } of page.rows) rows.push(`${device} ${time / 1_000_000n}`)
    cursor = page.next ?? null
  } while (cursor !== null)
  return rows
}
