import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { copyDatabase, type DatabaseCopy } from '#lib/runtime/backup/sqlite-copy.ts'
import type { StoreUpkeep } from '#lib/store/store.ts'
import type { Snapshots } from '../worker-thread/snapshots.ts'
import type { WorkQueue } from '../worker-thread/work-queue.ts'

/** What the worker has prepared for a backup: state and store of one position, in a folder. */
export interface Frozen {
  readonly position: number
  /** Names of store files below `store/` of the folder. */
  readonly store: readonly string[]
}

interface FreezerDeps {
  readonly queue: WorkQueue
  readonly snapshots: Snapshots
  readonly store: Pick<StoreUpkeep, 'freeze'>
}

/**
 * Keeps state and store at one position while a backup is read. The writer goes on meanwhile: only
 * checkpoints and retention wait.
 */
export class Freezer {
  readonly #database: string
  readonly #deps: FreezerDeps
  #frozen = false

  constructor(database: string, deps: FreezerDeps) {
    this.#database = database
    this.#deps = deps
  }

  get frozen(): boolean {
    return this.#frozen
  }

  /** In the queue only as far as nothing may be written meanwhile; the copying goes on beside it. */
  async freeze(dir: string): Promise<Frozen> {
    const { queue, snapshots } = this.#deps
    const { promise: begun, resolve, reject } = Promise.withResolvers<() => Promise<Frozen>>()
    queue.add(async () => {
      try {
        snapshots.save()
        resolve(await this.#begin(dir, snapshots.position))
      } catch (error) {
        reject(error)
      }
    })
    const finish = await begun
    return await finish()
  }

  thaw(): void {
    this.#frozen = false
  }

  /** Resolves to what copies the state, as of now however long that takes. */
  async #begin(dir: string, position: number): Promise<() => Promise<Frozen>> {
    this.#frozen = true
    let copy: DatabaseCopy | null = null
    try {
      const database = (copy = copyDatabase(this.#database, join(dir, 'ingest.db')))
      const storeDir = join(dir, 'store')
      mkdirSync(storeDir, { mode: 0o700 })
      const store = await this.#deps.store.freeze(storeDir)
      return async () => {
        await database.run()
        return { position, store }
      }
    } catch (error) {
      this.#frozen = false
      copy?.close()
      throw error
    }
  }
}
