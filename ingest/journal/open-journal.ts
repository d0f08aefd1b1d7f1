import { dirname, join } from 'node:path'
import { PlatformError, messageOf, systemCodeOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Origin } from '#lib/telemetry/message.ts'
import { temporaryPath } from './files/file-layer.ts'
import { BackPressure } from './append/back-pressure.ts'
import { identify } from './identity.ts'
import type { Journal } from './journal.ts'
import { Lag } from './append/lag.ts'
import { createTextMemory, originAt, positionAt, receivedAtNsAt, recordLengthAt } from './record.ts'
import { recover } from './recovery/recovery.ts'
import { RunningJournal, type Opened, type RunOptions } from './run-journal.ts'
import { SegmentFiles } from './recovery/segment-files.ts'
import { segmentNumbers } from './segments/segment-header.ts'
import { SPARE_NAME } from './segments/spare.ts'
import type { Corruption } from './recovery/visit-links.ts'
import type { Visit } from './reading/scan.ts'

export interface JournalOptions extends RunOptions {
  /** Called with every durable record beyond `since` before `openJournal` resolves. */
  readonly onRecord?: (device: FullId, origin: Origin | null) => void
}

/** What an earlier process left. */
export interface RecoveryReport {
  readonly id: string
  /** The folder had no journal: the id was made now. */
  readonly isNew: boolean
  readonly lastPosition: number
  /** Durable records beyond `since`. */
  readonly records: number
  /** When the first of them came; null where there is none. */
  readonly oldestReceivedAtNs: bigint | null
  readonly segments: number
  readonly corruptions: readonly Corruption[]
  /** Bytes of an interrupted write that were cut off. */
  readonly tornBytes: number
}

/** The lag is known to one part in this many of its limit. */
const LAG_STEPS = 1024

/**
 * Opens the journal of a folder, or makes one; resolves when it takes messages. Throws
 * DATA_DIR_FOREIGN, JOURNAL_CORRUPT (its id cannot be read) or JOURNAL_UNAVAILABLE.
 */
export async function openJournal(
  options: JournalOptions,
): Promise<{ readonly journal: Journal; readonly report: RecoveryReport }> {
  const { dir, log } = options
  try {
    const { report, ...opened } = await readBack(options)
    logReport(log, dir, report)
    opened.backPressure.setUnconsumed(opened.lag.bytes)
    return { journal: new RunningJournal(options, opened), report }
  } catch (error) {
    // Without a code of the system it is a bug, which must not look like a bad disk.
    if (error instanceof PlatformError || systemCodeOf(error) === '') throw error
    throw new PlatformError(
      'JOURNAL_UNAVAILABLE',
      `${dir}: expected a folder that the journal can read and write, got ${messageOf(error)}; ` +
        'check the owner of the folder, its rights and the disk',
      { cause: error },
    )
  }
}

async function readBack(
  options: JournalOptions,
): Promise<Opened & { readonly report: RecoveryReport }> {
  const { dir, fileLayer, clock, since, lagBytes } = options
  await fileLayer.makeDir(dir)
  // A folder whose own name is lost takes everything in it along, synced or not.
  await fileLayer.syncDir(dirname(dir))
  const { identity, isNew } = await identify(fileLayer, dir)
  const names = await fileLayer.list(dir)
  const spare = temporaryPath(dir, SPARE_NAME)
  if (names.some((name) => join(dir, name) === spare)) await fileLayer.unlink(spare)
  const lag = new Lag(Math.ceil(lagBytes / LAG_STEPS))
  const unconsumed = { records: 0, oldestReceivedAtNs: null }
  const visit = countingVisit(options, lag, unconsumed)
  const files = new SegmentFiles(fileLayer, dir, identity)
  const { id } = identity
  const recovered = await recover({ id, dir, files, clock, since, visit }, segmentNumbers(names))
  // The names of what was kept may not be durable yet, nor those of what was removed.
  await fileLayer.syncDir(dir)
  const { lastPosition, corruptions, tornBytes, stored } = recovered
  const segments = stored.length
  const report = { id, isNew, lastPosition, ...unconsumed, segments, corruptions, tornBytes }
  return { identity, recovered, lag, backPressure: new BackPressure(lagBytes), report }
}

/** Counts the records beyond `since` while they are visited, and reports each of them. */
function countingVisit(
  { onRecord }: JournalOptions,
  lag: Lag,
  count: { records: number; oldestReceivedAtNs: bigint | null },
): Visit {
  const texts = createTextMemory()
  return (slab, at) => {
    count.records += 1
    lag.add(positionAt(slab, at), recordLengthAt(slab, at))
    const origin = originAt(slab, at)
    // A replay has the time at which its message first came.
    if (!origin) count.oldestReceivedAtNs ??= receivedAtNsAt(slab, at)
    onRecord?.(texts(slab, at).device, origin)
    return true
  }
}

function logReport(log: Log, dir: string, report: RecoveryReport): void {
  for (const corruption of report.corruptions) {
    log.error(
      { dir, code: 'JOURNAL_CORRUPT', ...corruption },
      'the journal is damaged here; the records around it are read',
    )
  }
  const { id, isNew, lastPosition, records, tornBytes } = report
  log.info(
    { dir, id, lastPosition, records, tornBytes },
    isNew ? 'a new journal was made' : 'the journal was opened',
  )
}
