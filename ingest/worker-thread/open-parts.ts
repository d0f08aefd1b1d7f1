import { createHmac } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openRegistryReader } from '#lib/registry/open-reader.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { pseudonymSecret } from '#lib/runtime/data-dir.ts'
import { createLog } from '#lib/runtime/log.ts'
import { openStore } from '#lib/store/open.ts'
import { daysNs } from '#lib/telemetry/time-grid.ts'
import { Marker } from '../derived/marker.ts'
import { derivedPath } from '../derived/open-derived.ts'
import type { WorkerOptions } from '../ingest-options.ts'
import { openReader } from '../journal/reading/reader.ts'
import { RejectionLog } from '../rejections/rejection-log.ts'
import { openIngestDb } from '../state/ingest-db.ts'
import { loadSaved, loadState } from '../state/snapshot.ts'
import { StageClock } from '../state/stage-clock.ts'

export type Parts = Awaited<ReturnType<typeof openParts>>

/** Everything the worker reads and writes: registry, state, store, journal. */
export async function openParts(options: WorkerOptions) {
  const log = createLog(options.logLevel)
  const clock = systemClock
  const { registryPath } = options
  const registry = openRegistryReader({ path: registryPath, log })
  const db = openIngestDb(join(options.dataDir, 'ingest.db'))
  const saved = loadSaved(db)
  const dir = join(options.dataDir, 'store')
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const { store, missingFrom } = await openStore({
    url: options.store.url,
    influx: options.store.influx,
    dir,
    journal: options.journal.id,
    journalLast: options.journal.lastPosition,
    expected: saved.parts,
    retention: options.retention,
    limits: options.limits,
    clock,
    log,
  })
  const marker = markerFor(options, saved.position > 0)
  return {
    log,
    clock,
    registry,
    db,
    saved,
    store,
    missingFrom,
    marker,
    state: loadState(db, options.maxChannelsPerDevice),
    rejections: new RejectionLog(db),
    stages: new StageClock((minute) => marker?.touchedMinute(minute)),
    reader: openReader({ dir: options.journal.dir, id: options.journal.id, log }),
    // Beside the registry, so that every intake that shares it gives the same names.
    pseudonym: pseudonymsOf(pseudonymSecret(dirname(registryPath))),
  }
}

/** Derived series are for those who have an InfluxDB. */
function markerFor({ store, dataDir, retention }: WorkerOptions, hasPast: boolean) {
  if (!store.influx) return null
  const backfillNs = { minute: daysNs(retention.minuteDays), hour: daysNs(retention.hourDays) }
  return new Marker({ path: derivedPath(dataDir), clock: systemClock, backfillNs, hasPast })
}

function pseudonymsOf(secret: Parameters<typeof createHmac>[1]): (text: string) => string {
  return (text) =>
    createHmac('sha256', secret).update(`sub-device:${text}`).digest('hex').slice(0, 24)
}
