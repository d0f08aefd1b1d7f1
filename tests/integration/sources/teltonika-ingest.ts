import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import type { ReadingRow } from '#lib/telemetry/questions.ts'
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
    const page: { data: readonly ReadingRow[]; next: string | null } = await ingest.port.ask(
      'readings',
      {
        fromNs: 0n,
        toNs: systemClock.nowNs() + 3_600_000_000_000n,
        scope: ALL,
        kind: 'truck',
        fields: null,
        order: 'asc',
        limit: 10_000,
        cursor,
      },
    )
    for (const { device, timeNs } of page.data) rows.push(`${device} ${timeNs / 1_000_000n}`)
    cursor = page.next
  } while (cursor !== null)
  return rows
}
