import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { copyDatabase, type DatabaseCopy } from '#lib/runtime/backup/sqlite-copy.ts'
import type { StoreUpkeep } from '#lib/store/store.ts'

/** What the worker has made ready for a backup: state and store of one position, in a folder. */
export interface Frozen {
  readonly position: number
  /** Names of store files below `store/` of the folder. */
  readonly store: readonly string[]
}

/**
 * Holds state and store at one position while a backup is read. The writer goes on meanwhile: only
 * checkpoints and retention wait.
 */
export interface Freezer {
  readonly frozen: boolean
  /** Runs between batches, when the state has just been saved; the copy itself runs beside them. */
  begin(dir: string, position: number): Promise<{ readonly done: Promise<Frozen> }>
  end(): void
}

export function createFreezer(databasePath: string, store: StoreUpkeep): Freezer {
  let frozen = false
  return {
    get frozen() {
      return frozen
    },
    async begin(dir, position) {
      frozen = true
      let copy: DatabaseCopy | null = null
      try {
        // Everything below is as of this moment, however long it takes to be copied.
        copy = copyDatabase(databasePath, join(dir, 'ingest.db'))
        const storeDir = join(dir, 'store')
        mkdirSync(storeDir, { mode: 0o700 })
        const names = await store.freeze(storeDir)
        return { done: copy.run().then(() => ({ position, store: names })) }
      } catch (error) {
        frozen = false
        copy?.close()
        throw error
      }
    },
    end() {
      frozen = false
    },
  }
}
