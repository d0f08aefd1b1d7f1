import type { Registry } from '#lib/registry/registry.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import type { RowsOf } from '#lib/queries/catalogue.ts'
import type { QueryResult } from '#lib/queries/query.ts'
import { ALL } from '#lib/telemetry/scope.ts'
import type { IngestEvents } from '../../../ingest/main-thread/worker-events.ts'
import { openIngest, type Ingest } from '../../../ingest/open-ingest.ts'
import { UNWATCHED, ingestOptionsFor } from '../../support/ingest-options.ts'
import { queryResult } from '../../support/query-rows.ts'
import { registerDevice } from '../../support/registry-in.ts'

/** A real ingest role: journal, worker and embedded store in a data directory. */
export function openTestIngest(
  dataDir: string,
  windowMs: number,
  events: Partial<IngestEvents> = {},
): Promise<Ingest> {
  return openIngest(
    ingestOptionsFor(dataDir, {
      PADBORG_JOURNAL_WINDOW_MS: String(windowMs),
      PADBORG_FAULT: process.env['PADBORG_FAULT'] ?? 'none',
    }),
    { ...UNWATCHED, ...events },
    { clock: systemClock, log: createLog('warn') },
  )
}

/** Registers devices that a killed process may have registered already. */
export function registerOnce(
  registry: Registry,
  devices: readonly (readonly [string, Readonly<Record<string, unknown>>])[],
  format: string,
): void {
  for (const [id, settings] of devices) {
    if (!registry.devices.get(id)) registerDevice(registry, id, { format, settings })
  }
}

type Row = RowsOf<'readings'>[number]
/** A row of single readings, and not of a time step. */
type ReadingRow = Extract<Row, { readonly seq: unknown }>

const HOUR_NS = 3_600_000_000_000n

/** The key of every truck reading in the store, as often as the reading is there. */
export async function storedTrucks(
  ingest: Ingest,
  keyOf: (row: ReadingRow) => string,
): Promise<string[]> {
  const keys: string[] = []
  let cursor: string | null = null
  do {
    const page: QueryResult<Row> = await queryResult(ingest.port, 'readings', {
      fromNs: 0n,
      toNs: systemClock.nowNs() + HOUR_NS,
      scope: ALL,
      kind: 'truck',
      fields: [],
      hasFields: false,
      rats: null,
      everyNs: null,
      order: 'asc',
      limit: 10_000,
      cursor,
    })
    for (const row of page.rows) if ('seq' in row) keys.push(keyOf(row))
    cursor = page.next ?? null
  } while (cursor !== null)
  return keys
}

/** What a program answers to `stored`. */
export interface StoredTrucks {
  readonly rows: readonly string[]
  readonly lagMessages: number
}

/** Answers each message of the parent with the trucks in the store; ends with the parent. */
export function answerStored(ingest: Ingest): void {
  process.on('message', () => {
    const { lagMessages } = ingest.status()
    const keyOf = ({ device, time }: ReadingRow) => `${device} ${time / 1_000_000n}`
    void storedTrucks(ingest, keyOf).then((rows) => process.send?.({ rows, lagMessages }))
  })
  process.once('disconnect', () => process.exit(1))
}
