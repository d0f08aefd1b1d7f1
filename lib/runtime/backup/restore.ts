import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { open, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Manifest } from './archive.ts'
import { readArchive } from './archive-reader.ts'
import { openDataDir } from '../data-dir.ts'
import { PlatformError, systemCodeOf } from '../errors.ts'
import { syncFolder } from '../files.ts'
import type { Log } from '../log.ts'

/** Where files are kept until all of them are verified. */
const DRAFT = 'restore.tmp'
/** What a data directory may hold and still be empty: a refused or killed attempt leaves it. */
const LEFTOVERS: ReadonlySet<string> = new Set(['lock.db', 'lock.db-journal', DRAFT])

/**
 * Restores a backup into an empty data directory: whole, or not at all. Throws BACKUP_INVALID,
 * DATA_DIR_NOT_EMPTY, DATA_DIR_LOCKED, DATA_DIR_UNUSABLE or BACKUP_FAILED.
 */
export async function restoreArchive(file: string, dir: string, log: Log): Promise<Manifest> {
  requireEmpty(dir)
  const dataDir = openDataDir(dir, log)
  const draft = join(dataDir.path, DRAFT)
  try {
    // Again, now that no other process can write there.
    requireEmpty(dir)
    rmSync(draft, { recursive: true, force: true })
    mkdirSync(draft, { mode: 0o700 })
    const manifest = await readArchive(file, {
      begin: (found) => requireRoom(found, dir),
      file: (name, bytes) => write(join(draft, name), bytes),
    })
    place(dataDir.path, draft)
    return manifest
  } catch (error) {
    throw explain(error, dir)
  } finally {
    rmSync(draft, { recursive: true, force: true })
    dataDir.close()
  }
}

function requireEmpty(dir: string): void {
  const names = listed(dir).filter((name) => !LEFTOVERS.has(name))
  if (names.length === 0) return
  throw new PlatformError(
    'DATA_DIR_NOT_EMPTY',
    `${dir}: expected an empty data directory, found ${names.slice(0, 5).join(', ')}; name another ` +
      'one (--data-dir), or move away what is there',
  )
}

function listed(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return []
    throw error
  }
}

async function requireRoom({ files }: Manifest, dir: string): Promise<void> {
  const wanted = files.reduce((sum, { bytes }) => sum + bytes, 0)
  const { bavail, bsize } = await statfs(dir)
  if (bavail * bsize >= wanted) return
  throw new PlatformError(
    'BACKUP_FAILED',
    `${dir}: expected ${wanted} bytes of free space for this backup, got ${bavail * bsize}; make room`,
  )
}

async function write(path: string, bytes: AsyncIterable<Buffer>): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of bytes) await file.writeFile(chunk)
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * The journal goes last: a platform that finds the rest without it refuses to start, so after a crash in
 * between the directory cannot be mistaken for a restored one.
 */
function place(dir: string, draft: string): void {
  const names = readdirSync(draft).toSorted(
    (a, b) => Number(a === 'journal') - Number(b === 'journal'),
  )
  for (const name of names) {
    // Files are synced already; of a folder this makes the names durable.
    syncFolder(join(draft, name))
    renameSync(join(draft, name), join(dir, name))
  }
  syncFolder(dir)
}

function explain(error: unknown, dir: string): unknown {
  const code = systemCodeOf(error)
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error
  return new PlatformError(
    'BACKUP_FAILED',
    `${dir}: expected room for the files of the backup, the disk is full; make room, begin again`,
    { cause: error },
  )
}
