import type { DatabaseSync } from 'node:sqlite'
import { isPlatformError, messageOf } from '#lib/runtime/errors.ts'
import { explainFailure, isBusy } from '#lib/runtime/sqlite.ts'
import { readGeneration, requireNotOlder } from '../damage/generation-file.ts'
import { damaged, requireIntact } from '../damage/intact.ts'
import { loadMemory, type Memory } from './memory.ts'

/** Checks the file as a whole too, and closes a database that cannot be read. */
export function readOrClose(db: DatabaseSync, path: string): Memory {
  try {
    const memory = readMemory(db, path)
    explained(path, () => requireIntact(db, path))
    return memory
  } catch (error) {
    db.close()
    throw error
  }
}

/** A damaged page shows only when it is read, and a foreign database by its tables. */
export function readMemory(db: DatabaseSync, path: string): Memory {
  // Before the registry: what is written in between makes only the registry newer.
  const expected = readGeneration(path)
  const { memory, generation } = explained(path, () => loadMemory(db))
  requireNotOlder(path, generation, expected)
  return memory
}

function explained<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const known = explainFailure(path, error)
    if (isPlatformError(known) || isBusy(error)) throw known
    throw damaged(path, messageOf(error), error)
  }
}
