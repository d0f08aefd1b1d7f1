import { join } from 'node:path'
import { explainFailure } from '#lib/runtime/sqlite.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Intake } from '#lib/telemetry/intake.ts'
import type { LiveFeed } from '#lib/telemetry/live.ts'
import type { IngestPort } from '#lib/queries/port.ts'
import type { IngestStatus } from '#lib/telemetry/readiness.ts'
import type { Backups } from './backup/backups.ts'
import type { IngestOptions } from './ingest-options.ts'
import { createFileLayer } from './journal/files/file-layer.ts'
import type { Journal } from './journal/journal.ts'
import { openJournal } from './journal/open-journal.ts'
import { Accepted } from './main-thread/accepted.ts'
import { composeMainThread, type IngestHooks } from './main-thread/main-thread.ts'
import { startWorker } from './main-thread/start-worker.ts'
import type { IngestEvents } from './main-thread/worker-events.ts'
import { openIngestDb } from './state/ingest-db.ts'
import { loadRead, loadSaved, newestReceived } from './state/snapshot.ts'

export interface IngestDeps extends IngestHooks {
  readonly clock: Clock
  readonly log: Log
}

/** The ingest role of one process: the journal on this thread, everything after it on a worker. */
export interface Ingest {
  readonly intake: Intake
  readonly port: IngestPort
  readonly live: LiveFeed
  readonly backups: Backups
  readonly journal: Journal
  status(): IngestStatus
  /** Robots that are ONLINE and send no `state`. */
  silentRobots(): number
  /** Stored messages whose figures were not derived yet at the last maintenance. */
  figuresBehind(): number
  /** Nothing may be dropped for its age: the clock is ahead of what can be true. */
  isClockDoubtful(): boolean
  /** The registry has changed: the worker reads it again. */
  registryChanged(): void
  /** Flushes the journal, lets the worker finish its batch, and closes both. */
  close(): Promise<void>
}

/**
 * Opens journal and worker. Throws DATA_DIR_FOREIGN, STORE_AHEAD or JOURNAL_UNAVAILABLE. Resolves
 * when messages can be taken; what an earlier run left in the journal is stored meanwhile.
 */
export async function openIngest(
  options: IngestOptions,
  events: IngestEvents,
  { clock, log, ...hooks }: IngestDeps,
): Promise<Ingest> {
  const { dataDir, batchMs, backupStallMs, clockAheadHours, clockConfirmHours, ...rest } = options
  const saved = readSaved(dataDir)
  const accepted = new Accepted(saved.read)
  const dir = join(dataDir, 'journal')
  const { journal, report } = await openJournal({
    ...options.journal,
    dir,
    fileLayer: createFileLayer(),
    clock,
    log,
    since: saved.position,
    onRecord: (device, origin) => {
      if (!origin) accepted.add(device)
    },
  })
  const { registryPath } = options
  try {
    checkBelongsTogether(dataDir, saved, { id: journal.id, lastPosition: report.lastPosition })
    const { lastPosition } = report
    const worker = await startWorker({
      ...rest,
      dataDir,
      journal: { id: journal.id, dir, lastPosition },
    })
    return composeMainThread({
      worker,
      journal,
      accepted,
      events,
      clock,
      log,
      hooks,
      batchMs,
      clockCheck: {
        clockAheadHours,
        clockConfirmHours,
        path: join(dataDir, 'clock.json'),
        newestReceivedNs: saved.newestReceivedNs,
      },
      backups: { dataDir, registryPath, stallMs: backupStallMs },
      written: saved.position,
      waitingSinceNs: report.oldestReceivedAtNs ?? clock.nowNs(),
    })
  } catch (error) {
    await journal.close()
    throw error
  }
}

/** Read from ingest.db before the worker takes it over. */
function readSaved(dataDir: string) {
  const path = join(dataDir, 'ingest.db')
  const db = openIngestDb(path)
  try {
    return { ...loadSaved(db), read: loadRead(db), newestReceivedNs: newestReceived(db) }
  } catch (error) {
    throw explainFailure(path, error)
  } finally {
    db.close()
  }
}

/** The state and the store must be of this journal, and not of a later time than it. */
function checkBelongsTogether(
  dataDir: string,
  saved: { readonly journal: string | null; readonly position: number },
  found: { readonly id: string; readonly lastPosition: number },
): void {
  if (saved.journal !== null && saved.journal !== found.id) {
    throw foreignJournal(dataDir, saved.journal, found.id)
  }
  if (found.lastPosition < saved.position) {
    throw storeAhead(dataDir, saved.position, found.lastPosition)
  }
}

function foreignJournal(dataDir: string, wanted: string, found: string): PlatformError {
  return new PlatformError(
    'DATA_DIR_FOREIGN',
    `PADBORG_DATA_DIR=${dataDir}: ingest.db and store belong to journal ${wanted}, but the journal ` +
      `folder holds ${found}; bring the right journal folder back, or begin with an empty directory`,
  )
}

function storeAhead(dataDir: string, position: number, last: number): PlatformError {
  return new PlatformError(
    'STORE_AHEAD',
    `PADBORG_DATA_DIR=${dataDir}: the store has seen position ${position}, but the journal ends at ` +
      `${last}: the journal was replaced by an older one; restore both from the same backup`,
  )
}
