import { createWriteStream, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip, createZstdCompress } from 'node:zlib'
import { archiveOf, isArchived, type Manifest, type SourceFile } from './archive.ts'
import { readArchive } from './archive-reader.ts'
import { PlatformError, messageOf, systemCodeOf } from '../errors.ts'
import { syncFolder } from '../files.ts'

/**
 * Writes an archive to a file, which gets its name only when it is whole, on disk and verified.
 * `.gz` and `.zst` at the end of the name compress it. Throws BACKUP_FAILED.
 */
export async function writeBackupFile(
  file: string,
  archive: AsyncIterable<Uint8Array>,
): Promise<Manifest> {
  if (existsSync(file)) {
    throw new PlatformError(
      'BACKUP_FAILED',
      `${file}: expected a new file, there is one already; name another one`,
    )
  }
  const partial = `${file}.partial`
  const compressors = file.endsWith('.gz')
    ? [createGzip({ level: 3 })]
    : file.endsWith('.zst')
      ? [createZstdCompress()]
      : []
  try {
    // It holds hashes and secrets.
    const output = createWriteStream(partial, { flags: 'w', mode: 0o600, flush: true })
    await pipeline([Readable.from(archive), ...compressors, output])
    const manifest = await readArchive(partial)
    renameSync(partial, file)
    syncFolder(dirname(resolve(file)))
    return manifest
  } catch (error) {
    rmSync(partial, { force: true })
    throw explain(file, error)
  }
}

/** The whole data directory while no platform runs on it: the caller holds its lock. */
export function archiveAtRest(
  dir: string,
  head: { readonly createdAt: string; readonly journal: string | null; readonly position: number },
): AsyncIterable<Buffer> {
  const sources: SourceFile[] = ['', 'store', 'journal'].flatMap((folder) =>
    namesIn(join(dir, folder))
      .map((name) => (folder === '' ? name : `${folder}/${name}`))
      .filter(isArchived)
      .map((name) => ({ name, path: join(dir, name), bytes: statSync(join(dir, name)).size })),
  )
  return archiveOf({ ...head, durable: null }, sources)
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).toSorted() : []
}

function explain(file: string, error: unknown): unknown {
  if (error instanceof PlatformError) return error
  const code = systemCodeOf(error)
  const isFull = code === 'ENOSPC' || code === 'EDQUOT'
  return new PlatformError(
    'BACKUP_FAILED',
    isFull
      ? `${file}: expected room for the backup, the disk is full; make room or name another disk`
      : `${file}: expected the backup to be written, got: ${messageOf(error)}; begin again`,
    { cause: error },
  )
}
