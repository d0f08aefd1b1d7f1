import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import type { ReadingRow } from '#lib/telemetry/questions.ts'
import { ALL } from '#lib/telemetry/scope.ts'
import { openIngest, type Ingest, type IngestOptions } from '../../../ingest/open-ingest.ts'

const MB = 1024 * 1024

/** A real ingest role: journal, worker and embedded store in a data directory. */
export function openTestIngest(dataDir: string, windowMs: number): Promise<Ingest> {
  return openIngest(
    ingestOptions(dataDir, windowMs),
    {
      notices: () => undefined,
      settled: () => undefined,
      accepted: () => undefined,
      fatal: (error) => {
        throw error
      },
    },
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

function ingestOptions(dataDir: string, windowMs: number): IngestOptions {
  return {
    dataDir,
    retention: {
      fleetDays: 90,
      meteringDays: 3650,
      minuteDays: 90,
      hourDays: 1825,
      rejectionDays: 90,
    },
    limits: { queryTimeoutMs: 60_000, queryConcurrency: 2, queryQueue: 10 },
    timezone: 'Europe/Copenhagen',
    lateSeconds: 60,
    errorsPerMinute: 30,
    batchBytes: 4 * MB,
    batchMs: 50,
    snapshotMs: 1000,
    backupStallMs: 60_000,
    logLevel: 'warn',
    journal: {
      segmentBytes: 16 * MB,
      windowMs,
      lagBytes: 4096 * MB,
      keepBytes: 8192 * MB,
      keepHours: 48,
      freeBytes: 0,
      fault: process.env['PADBORG_FAULT'] === 'early-ack' ? 'early-ack' : 'none',
    },
  }
}
