import type { DatabaseSync } from 'node:sqlite'
import { PlatformError, isPlatformError, messageOf } from '#lib/runtime/errors.ts'
import { explainFailure, isBusy } from '#lib/runtime/sqlite.ts'
import { loadMemory, type Memory } from './memory.ts'

/** Closes a database that cannot be read. */
export function readOrClose(db: DatabaseSync, path: string): Memory {
  try {
    return readMemory(db, path)
  } catch (error) {
    db.close()
    throw error
  }
}

/** A damaged page shows only when it is read, and a foreign database by its tables. */
export function readMemory(db: DatabaseSync, path: string): Memory {
  try {
    return loadMemory(db)
  } catch (error) {
    const explained = explainFailure(path, error)
    if (isPlatformError(explained) || isBusy(error)) throw explained
    throw new PlatformError(
      'DATA_DIR_FOREIGN',
      `${path}: expected the tables and entries of a registry, got "${messageOf(error)}"; restore ` +
        `the file from a backup, or move it away to begin with an empty one`,
      { cause: error },
    )
  }
}
