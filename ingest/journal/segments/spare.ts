import type { Log } from '#lib/runtime/log.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import { temporaryPath, type FileLayer, type LayerFile } from '../files/file-layer.ts'

export const SPARE_NAME = 'spare'

const CHUNK_BYTES = 1024 * 1024
/** Syncing in small steps keeps the group commits beside it short. */
const SYNC_EVERY_BYTES = 4 * CHUNK_BYTES

interface SpareDeps {
  readonly fileLayer: FileLayer
  readonly log: Log
}

/**
 * One file of zeros that waits to become the next segment. Overwriting allocated blocks makes a sync
 * cheaper than growing a file does (no metadata to log), so the zeros are written ahead of need.
 */
export class Spare {
  readonly #deps: SpareDeps
  readonly #path: string
  readonly #segmentBytes: number
  #state: 'none' | 'making' | 'ready' = 'none'
  #work: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(
    deps: SpareDeps,
    { dir, segmentBytes }: { readonly dir: string; readonly segmentBytes: number },
  ) {
    this.#deps = deps
    this.#path = temporaryPath(dir, SPARE_NAME)
    this.#segmentBytes = segmentBytes
  }

  get ready(): boolean {
    return this.#state === 'ready'
  }

  get bytes(): number {
    return this.ready ? this.#segmentBytes : 0
  }

  /** Begins to make a file in the background, if there is none. */
  prepare(): void {
    if (this.#state !== 'none' || this.#isClosed) return
    this.#state = 'making'
    this.#work = this.#make()
  }

  /** Gives the file its name; false when none is ready. The folder is not synced yet. */
  async take(path: string): Promise<boolean> {
    if (this.#state !== 'ready') return false
    // Whatever becomes of the rename, this file is not offered twice.
    this.#state = 'none'
    await this.#deps.fileLayer.rename(this.#path, path)
    return true
  }

  /** Ends the work in the background; the file may stay and is removed at the next start. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#work
  }

  async #make(): Promise<void> {
    const { fileLayer, log } = this.#deps
    const path = this.#path
    try {
      const file = await fileLayer.open(path, 'create')
      try {
        await this.#fill(file)
      } finally {
        await file.close()
      }
      this.#state = this.#isClosed ? 'none' : 'ready'
    } catch (error) {
      // Without a spare the next segment grows as it is written; a full disk shows there.
      log.debug({ path, reason: messageOf(error) }, 'no spare segment could be made')
      await this.#remove()
      this.#state = 'none'
    }
  }

  async #fill(file: LayerFile): Promise<void> {
    const zeros = Buffer.alloc(Math.min(CHUNK_BYTES, this.#segmentBytes))
    let unsynced = 0
    for (let at = 0; at < this.#segmentBytes && !this.#isClosed;) {
      const chunk = zeros.subarray(0, this.#segmentBytes - at)
      await file.write(chunk, at)
      at += chunk.length
      unsynced += chunk.length
      if (unsynced < SYNC_EVERY_BYTES && at < this.#segmentBytes) continue
      await file.datasync()
      unsynced = 0
    }
  }

  async #remove(): Promise<void> {
    const path = this.#path
    try {
      await this.#deps.fileLayer.unlink(path)
    } catch (error) {
      const reason = messageOf(error)
      this.#deps.log.debug({ path, reason }, 'the unfinished spare stays until the next start')
    }
  }
}
