import { join } from 'node:path'
import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Origin } from '#lib/telemetry/message.ts'
import { temporaryPath, type FileLayer } from './file-layer.ts'
import { createHold } from './hold.ts'
import { identify } from './identity.ts'
import type { Journal } from './journal.ts'
import { createLag, type Lag } from './lag.ts'
import { createTextMemory, originAt, positionAt, recordLengthAt } from './record.ts'
import { recover, type Corruption, type Recovered } from './recovery.ts'
import { runJournal } from './run-journal.ts'
import { createSegmentFiles } from './segment-files.ts'
import { segmentNumbers } from './segment-header.ts'
import { SPARE_NAME } from './spare.ts'

/** Breaks a promise on purpose, so that a test can see itself turn red. */
export type JournalFault = 'none' | 'early-ack' | 'no-fsync'

export interface JournalOptions {
  readonly dir: string
  readonly fileLayer: FileLayer
  readonly clock: Clock
  readonly log: Log
  readonly segmentBytes: number
  /** Least time between the starts of two group commits. */
  readonly windowMs: number
  /** Unconsumed bytes at which the journal asks to be held. */
  readonly lagBytes: number
  /** Consumed segments kept at most. */
  readonly keepBytes: number
  readonly keepHours: number
  /** Free space below which consumed segments go before their time. */
  readonly freeBytes: number
  /** Position that the store has taken already. */
  readonly since: number
  readonly fault: JournalFault
  /** First pause between attempts while the disk fails; default 250 ms. */
  readonly backoffMs?: number
  /** Told of every durable record beyond `since` before `openJournal` resolves. */
  readonly onRecord?: (device: FullId, origin: Origin | null) => void
}

/** What an earlier process left. */
export interface RecoveryReport {
  readonly id: string
  /** The folder held no journal: the id was made now. */
  readonly isNew: boolean
  readonly lastPosition: number
  /** Durable records beyond `since`. */
  readonly records: number
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
  const lag = createLag(Math.ceil(options.lagBytes / LAG_STEPS))
  try {
    const { report, recovered } = await readBack(options, lag)
    tellReport(log, dir, report)
    const hold = createHold(options.lagBytes)
    hold.setUnconsumed(lag.bytes)
    return { journal: runJournal(options, { id: report.id, recovered, lag, hold }), report }
  } catch (error) {
    if (error instanceof PlatformError) throw error
    throw new PlatformError(
      'JOURNAL_UNAVAILABLE',
      `${dir}: expected a folder that the journal can read and write, got ${messageOf(error)}; ` +
        'check the owner of the folder, its rights and the disk',
      { cause: error },
    )
  }
}

async function readBack(
  { dir, fileLayer, clock, since, onRecord }: JournalOptions,
  lag: Lag,
): Promise<{ readonly report: RecoveryReport; readonly recovered: Recovered }> {
  await fileLayer.makeDir(dir)
  const { id, isNew } = await identify(fileLayer, dir)
  const names = await fileLayer.list(dir)
  const spare = temporaryPath(dir, SPARE_NAME)
  if (names.some((name) => join(dir, name) === spare)) await fileLayer.unlink(spare)
  const texts = createTextMemory()
  let records = 0
  const recovered = await recover(
    {
      id,
      dir,
      files: createSegmentFiles(fileLayer, dir, id),
      clock,
      since,
      visit(slab, at) {
        records += 1
        lag.add(positionAt(slab, at), recordLengthAt(slab, at))
        onRecord?.(texts(slab, at).device, originAt(slab, at))
        return true
      },
    },
    segmentNumbers(names),
  )
  // The names of what was kept may not be durable yet, nor those of what was removed.
  await fileLayer.syncDir(dir)
  const { lastPosition, corruptions, tornBytes, stored } = recovered
  const segments = stored.length
  return {
    report: { id, isNew, lastPosition, records, segments, corruptions, tornBytes },
    recovered,
  }
}

function tellReport(log: Log, dir: string, report: RecoveryReport): void {
  for (const corruption of report.corruptions) {
    log.error(
      { dir, code: 'JOURNAL_CORRUPT', ...corruption },
      'the journal is damaged here; everything around it is read',
    )
  }
  const { id, isNew, lastPosition, records, tornBytes } = report
  log.info(
    { dir, id, lastPosition, records, tornBytes },
    isNew ? 'a new journal was made' : 'the journal was opened',
  )
}
