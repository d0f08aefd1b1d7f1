import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCodeOf } from './errors.ts'

export interface AtomicWriteOptions {
  /** For its owner alone unless said otherwise. */
  readonly mode?: number
  /** A file that exists already stays as it is: of several writers the first one wins. */
  readonly keepExisting?: boolean
}

/** Writes a file whole or not at all; it is on disk when this returns. */
export function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  { mode = 0o600, keepExisting = false }: AtomicWriteOptions = {},
): void {
  // Several processes may write the same file at the same moment.
  const draft = `${path}.${process.pid}.new`
  try {
    rmSync(draft, { force: true })
    writeFileSync(draft, data, { flag: 'wx', mode, flush: true })
    if (keepExisting) linkDraft(draft, path)
    else renameSync(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
  syncFolder(dirname(path))
}

/** A link, unlike a rename, never takes the place of another file. */
function linkDraft(draft: string, path: string): void {
  try {
    linkSync(draft, path)
  } catch (error) {
    // Some file systems know no hard links.
    if (systemCodeOf(error) !== 'EEXIST') renameSync(draft, path)
  }
}

/**
 * Makes new, renamed and removed names of a folder durable. Windows has no handle on a folder that
 * could be flushed, and needs none: NTFS logs names.
 */
export function syncFolder(dir: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(dir, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** The same for a thread that must not wait for the disk. */
export async function syncFolderAsync(dir: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(dir, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/**
 * Gives a file a second name on the same disk, under which it stays when the first one is removed.
 * Where the file system knows no hard links it is copied (at once, where it can share blocks).
 */
export function hardLink(path: string, other: string): void {
  try {
    linkSync(path, other)
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') throw error
    copyFileSync(path, other, constants.COPYFILE_FICLONE)
  }
}
