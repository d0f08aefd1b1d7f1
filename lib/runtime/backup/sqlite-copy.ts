import { DatabaseSync, backup } from 'node:sqlite'
import { PlatformError, messageOf } from '../errors.ts'

/** A copy of a database as of one moment, made while others write to it. */
export interface DatabaseCopy {
  /** Writes the copy; resolves when it is whole. */
  run(): Promise<void>
  /** For a copy that is no longer needed. */
  close(): void
}

/** Pages per step: each is short, and runs on libuv's pool. */
const STEP_PAGES = 256

/** As of this call. Throws BACKUP_FAILED. */
export function copyDatabase(path: string, to: string): DatabaseCopy {
  let source: DatabaseSync | null = null
  try {
    source = new DatabaseSync(path, { readOnly: true })
    // In WAL mode a transaction keeps seeing the state of its first read.
    source.exec('BEGIN')
    source.prepare('SELECT count(*) FROM sqlite_schema').get()
  } catch (error) {
    source?.close()
    throw failed(path, error)
  }
  const snapshot = source
  return {
    async run() {
      try {
        await backup(snapshot, to, { rate: STEP_PAGES })
      } catch (error) {
        throw failed(path, error)
      } finally {
        snapshot.close()
      }
    },
    close: () => snapshot.close(),
  }
}

function failed(path: string, error: unknown): PlatformError {
  return new PlatformError(
    'BACKUP_FAILED',
    `${path}: expected a copy of this database beside it, got "${messageOf(error)}"; make room on ` +
      'the disk of the data directory and begin again',
    { cause: error },
  )
}
