import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { PlatformError, isPlatformError } from '#lib/runtime/errors.ts'
import { isBusy } from '#lib/runtime/sqlite.ts'
import type { StoreOptions } from '../options.ts'
import type { OpenedStore } from '../store.ts'
import { openSession } from './files/open-session.ts'
import type { Session } from './files/session.ts'
import { DuckdbStore } from './store.ts'

/**
 * Opens the embedded store: partition files of DuckDB, all attached to one instance. A second store
 * on the same folder is refused, in this process as in any other: DuckDB itself would not see it.
 */
export async function openDuckdbStore(options: StoreOptions): Promise<OpenedStore> {
  const lock = takeLock(options.dir)
  try {
    const { session, damagedFrom } = await openSession(options, { repair: true })
    const missingFrom = firstMissing(session, options, damagedFrom)
    const highest = Math.max(0, ...Object.values(options.expected))
    const store = new DuckdbStore({
      options,
      session,
      // At the last snapshot every row up to it was written.
      committed: missingFrom === null ? highest : Math.min(highest, missingFrom - 1),
      reopen: async (journalLast) =>
        (await openSession({ ...options, journalLast }, { repair: false })).session,
      released: () => lock.close(),
    })
    return { store, missingFrom }
  } catch (error) {
    lock.close()
    throw error
  }
}

function firstMissing(
  { parts, figures }: Session,
  { expected }: StoreOptions,
  damagedFrom: number | null,
): number | null {
  let first = damagedFrom ?? Infinity
  for (const [name, position] of Object.entries(expected)) {
    const droppedAt = figures.dropped.get(name)?.position ?? 0
    const found = Math.max(parts.get(name)?.position ?? 0, droppedAt)
    // Where a whole file began is not known without it: everything the journal has is read.
    if (found < position) first = Math.min(first, found + 1)
  }
  return first === Infinity ? null : first
}

/** An exclusive lock of SQLite holds against other processes and within this one. */
function takeLock(dir: string): DatabaseSync {
  const path = join(dir, 'lock.db')
  let lock: DatabaseSync | null = null
  try {
    lock = new DatabaseSync(path)
    lock.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock?.close()
    if (isPlatformError(error)) throw error
    throw new PlatformError(
      isBusy(error) ? 'DATA_DIR_LOCKED' : 'STORE_UNAVAILABLE',
      isBusy(error)
        ? `${dir}: expected a store that nobody has open, another one is on it; close that one first`
        : `${path}: expected a folder this user may write; check its permissions and the disk`,
      { cause: error },
    )
  }
}
