import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { z } from 'zod'
import { PlatformError } from '../errors.ts'
import { BLOCK_BYTES, encodeTarHeader, paddingOf } from './tar.ts'

/*
 * A backup is a tar file: first the manifest, then the files in its order, last their SHA-256 in the
 * form that `sha256sum -c` reads. The sums come last because the files are read only once; an archive
 * without them was cut off.
 */

export const MANIFEST = 'manifest.json'
export const SUMS = 'SHA256SUMS'
export const ARCHIVE_VERSION = 1

/** Everything a data directory is made of; every other file there is created again. */
const FILES =
  /^(admin-key|pseudonym-secret|(registry|ingest|broker)\.db(-wal)?|journal\/(journal\.json|\d{16}\.seg)|store\/[a-z][a-z0-9-]{0,60}\.duckdb(\.wal)?)$/

export function isArchived(name: string): boolean {
  return FILES.test(name)
}

export const manifestSchema = z.object({
  format: z.literal('padborg-backup'),
  version: z.int().min(1),
  createdAt: z.string(),
  /** UUID; null when nothing was ever received. */
  journal: z.string().nullable(),
  /** Position of the intake's state and of the store ... */
  position: z.int().min(0),
  /** ... and of the end of the journal; null where no platform was running. */
  durable: z.int().min(0).nullable(),
  files: z.array(
    z.object({
      name: z.string().refine(isArchived, 'expected a file of a data directory'),
      bytes: z.int().min(0),
    }),
  ),
})
export type Manifest = z.infer<typeof manifestSchema>

export interface SourceFile {
  readonly name: string
  readonly path: string
  /** Only so much of the file counts. */
  readonly bytes: number
  /** So many first bytes must be the same before and after: a checkpoint changes them. */
  readonly steadyBytes?: number
}

const READ_BYTES = 256 * 1024

/** The bytes of an archive, in bounded memory. Throws BACKUP_FAILED. */
export async function* archiveOf(
  head: Omit<Manifest, 'files' | 'format' | 'version'>,
  sources: readonly SourceFile[],
): AsyncGenerator<Buffer> {
  const mtimeS = Date.parse(head.createdAt) / 1000
  const files = sources.map(({ name, bytes }) => ({ name, bytes }))
  const manifest: Manifest = { format: 'padborg-backup', version: ARCHIVE_VERSION, ...head, files }
  yield* textFile(MANIFEST, `${JSON.stringify(manifest, null, 1)}\n`, mtimeS)
  const sums: string[] = []
  for (const source of sources) {
    yield encodeTarHeader(source, mtimeS)
    const hash = createHash('sha256')
    const before = await firstBytes(source)
    for await (const chunk of bytesOf(source)) {
      hash.update(chunk)
      yield chunk
    }
    if (!before.equals(await firstBytes(source))) throw changed(source)
    yield paddingOf(source.bytes)
    sums.push(`${hash.digest('hex')}  ${source.name}\n`)
  }
  yield* textFile(SUMS, sums.join(''), mtimeS)
  yield Buffer.alloc(2 * BLOCK_BYTES)
}

function* textFile(name: string, text: string, mtimeS: number): Generator<Buffer> {
  const body = Buffer.from(text)
  yield encodeTarHeader({ name, bytes: body.length }, mtimeS)
  yield body
  yield paddingOf(body.length)
}

async function* bytesOf(source: SourceFile): AsyncGenerator<Buffer> {
  if (source.bytes === 0) return
  let count = 0
  const options = { start: 0, end: source.bytes - 1, highWaterMark: READ_BYTES }
  for await (const chunk of createReadStream(source.path, options)) {
    // Without an encoding a file stream yields buffers.
    const bytes = chunk as Buffer
    count += bytes.length
    yield bytes
  }
  if (count !== source.bytes) throw changed(source)
}

async function firstBytes({ path, steadyBytes = 0 }: SourceFile): Promise<Buffer> {
  const bytes = Buffer.alloc(steadyBytes)
  if (steadyBytes === 0) return bytes
  const file = await open(path)
  try {
    await file.read(bytes, 0, steadyBytes, 0)
    return bytes
  } finally {
    await file.close()
  }
}

function changed({ name }: SourceFile): PlatformError {
  return new PlatformError(
    'BACKUP_FAILED',
    `${name}: expected a file that is not changed while it is copied, it was changed; begin again`,
  )
}
