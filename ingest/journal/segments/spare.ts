import type { Log } from '#lib/runtime/log.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import { temporaryPath, type FileLayer, type LayerFile } from '../files/file-layer.ts'

/**
 * One file of zeros that waits to become the next segment. Overwriting allocated blocks makes a sync
 * cheaper than growing a file does (no metadata to log), so the zeros are written ahead of need.
 */
export interface Spare {
  readonly ready: boolean
  readonly bytes: number
  /** Begins to make a file in the background, if there is none. */
  prepare(): void
  /** Gives the file its name; false when none is ready. The folder is not synced yet. */
  take(path: string): Promise<boolean>
  /** Ends the work in the background; the file may stay and is removed at the next start. */
  close(): Promise<void>
}

export const SPARE_NAME = 'spare'

const CHUNK_BYTES = 1024 * 1024
/** Syncing in small steps keeps the group commits beside it short. */
const SYNC_EVERY_BYTES = 4 * CHUNK_BYTES

export function createSpare(
  { fileLayer, log }: { readonly fileLayer: FileLayer; readonly log: Log },
  { dir, segmentBytes }: { readonly dir: string; readonly segmentBytes: number },
): Spare {
  const path = temporaryPath(dir, SPARE_NAME)
  let state: 'none' | 'making' | 'ready' = 'none'
  let work: Promise<void> = Promise.resolve()
  let closed = false

  return {
    get ready() {
      return state === 'ready'
    },
    get bytes() {
      return state === 'ready' ? segmentBytes : 0
    },
    prepare() {
      if (state !== 'none' || closed) return
      state = 'making'
      work = make()
    },
    async take(name) {
      if (state !== 'ready') return false
      // Whatever becomes of the rename, this file is not offered twice.
      state = 'none'
      await fileLayer.rename(path, name)
      return true
    },
    async close() {
      closed = true
      await work
    },
  }

  async function make(): Promise<void> {
    try {
      const file = await fileLayer.open(path, 'create')
      try {
        await fill(file)
      } finally {
        await file.close()
      }
      state = closed ? 'none' : 'ready'
    } catch (error) {
      // Without a spare the next segment grows as it is written; a full disk shows there.
      log.debug({ path, reason: messageOf(error) }, 'no spare segment could be made')
      await remove()
      state = 'none'
    }
  }

  async function fill(file: LayerFile): Promise<void> {
    const zeros = Buffer.alloc(Math.min(CHUNK_BYTES, segmentBytes))
    let unsynced = 0
    for (let at = 0; at < segmentBytes && !closed;) {
      const chunk = zeros.subarray(0, segmentBytes - at)
      await file.write(chunk, at)
      at += chunk.length
      unsynced += chunk.length
      if (unsynced < SYNC_EVERY_BYTES && at < segmentBytes) continue
      await file.datasync()
      unsynced = 0
    }
  }

  async function remove(): Promise<void> {
    try {
      await fileLayer.unlink(path)
    } catch (error) {
      log.debug(
        { path, reason: messageOf(error) },
        'the unfinished spare segment stays until the next start',
      )
    }
  }
}
