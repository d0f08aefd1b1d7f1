import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { ARCHIVE_VERSION, MANIFEST, SUMS, manifestSchema, type Manifest } from './archive.ts'
import { PlatformError, isPlatformError, messageOf, systemCodeOf } from '../errors.ts'
import { BLOCK_BYTES, decodeTarHeader, paddingOf, type TarHeader } from './tar.ts'

/** Receives the files of an archive in their order. */
export interface ArchiveVisitor {
  /** Before the first file. */
  begin?(manifest: Manifest): Promise<void>
  /** Receives all bytes of a file; if it throws, reading ends. */
  file?(name: string, bytes: AsyncIterable<Buffer>): Promise<void>
}

/** Manifest and sums are small; a file with more is not a backup. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024

/**
 * Reads an archive to its end and resolves when every file matches its sum. Until then nothing that a
 * visitor has received can be trusted. Throws BACKUP_INVALID.
 */
export async function readArchive(path: string, visitor: ArchiveVisitor = {}): Promise<Manifest> {
  const input = await inputOf(path)
  try {
    const reader = createByteReader(input)
    const manifest = await readManifest(reader)
    await visitor.begin?.(manifest)
    const sums: string[] = []
    for (const { name, bytes } of manifest.files) {
      requireHeader(await headerOf(reader), name, bytes)
      const hash = createHash('sha256')
      const body = hashed(reader.chunks(bytes), hash)
      if (visitor.file) await visitor.file(name, body)
      for await (const _rest of body);
      await reader.take(paddingOf(bytes).length)
      sums.push(`${hash.digest('hex')}  ${name}`)
    }
    await compareSums(reader, sums)
    return manifest
  } catch (error) {
    throw invalid(path, error)
  } finally {
    input.destroy()
  }
}

async function readManifest(reader: ByteReader): Promise<Manifest> {
  const text = await textOf(reader, MANIFEST)
  const value: unknown = JSON.parse(text)
  const version = typeof value === 'object' && value && 'version' in value ? value.version : null
  if (typeof version === 'number' && version > ARCHIVE_VERSION) {
    throw new RangeError(
      `expected version ${ARCHIVE_VERSION} or older, got version ${version} of a newer program; ` +
        'restore it with that program',
    )
  }
  const parsed = manifestSchema.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new RangeError(`${MANIFEST}, ${issue?.path.join('.')}: ${issue?.message}`)
  }
  const names = parsed.data.files.map(({ name }) => name)
  if (new Set(names).size === names.length) return parsed.data
  throw new RangeError(`${MANIFEST} names a file twice`)
}

async function compareSums(reader: ByteReader, sums: readonly string[]): Promise<void> {
  const listed = (await textOf(reader, SUMS)).split('\n').filter((line) => line !== '')
  const wrong = sums.findIndex((line, at) => line !== listed[at])
  if (wrong >= 0) throw new RangeError(`${sums[wrong]?.slice(66)} does not match its SHA-256`)
  if (listed.length !== sums.length) throw new RangeError(`${SUMS} names more files than there are`)
  if ((await headerOf(reader)) !== null)
    throw new RangeError('expected the end of the archive after the last file, got more')
}

async function headerOf(reader: ByteReader): Promise<TarHeader | null> {
  return decodeTarHeader(await reader.take(BLOCK_BYTES))
}

/** Only the file of the manifest, and a regular one: no links, no other names. */
function requireHeader(header: TarHeader | null, name: string, bytes?: number): number {
  const found = header ? `${header.name} of type ${header.type}, ${header.bytes} bytes` : 'the end'
  const isRight =
    header?.name === name && header.type === '0' && (bytes ?? header.bytes) === header.bytes
  if (isRight) return header.bytes
  throw new RangeError(
    `expected the file ${name}${bytes === undefined ? '' : ` of ${bytes} bytes`}, got ${found}`,
  )
}

async function textOf(reader: ByteReader, name: string): Promise<string> {
  const bytes = requireHeader(await headerOf(reader), name)
  if (bytes > MAX_TEXT_BYTES) throw new RangeError(`${name} has ${bytes} bytes, too many`)
  const text = (await reader.take(bytes)).toString()
  await reader.take(paddingOf(bytes).length)
  return text
}

async function* hashed(
  chunks: AsyncIterable<Buffer>,
  hash: { update(chunk: Buffer): unknown },
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
}

const GZIP = Buffer.from([0x1f, 0x8b])
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

/** The archive itself, whether it was compressed or not. */
async function inputOf(path: string): Promise<Readable> {
  const start = Buffer.alloc(4)
  try {
    const file = await open(path)
    await file.read(start, 0, 4, 0)
    await file.close()
  } catch (error) {
    throw invalid(path, error)
  }
  const plain = createReadStream(path)
  const unpack = start.equals(ZSTD)
    ? createZstdDecompress()
    : start.subarray(0, 2).equals(GZIP)
      ? createGunzip()
      : null
  if (!unpack) return plain
  plain.once('error', (error) => unpack.destroy(error))
  unpack.once('close', () => plain.destroy())
  return plain.pipe(unpack)
}

interface ByteReader {
  take(bytes: number): Promise<Buffer>
  chunks(bytes: number): AsyncGenerator<Buffer>
}

function createByteReader(input: Readable): ByteReader {
  const iterator: AsyncIterator<Buffer> = input[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  return { take, chunks }

  async function* chunks(bytes: number): AsyncGenerator<Buffer> {
    for (let left = bytes; left > 0;) {
      if (rest.length === 0) {
        const { done, value } = await iterator.next()
        if (done) throw new RangeError('the archive ends too early: it was cut off')
        rest = value
      }
      const chunk = rest.subarray(0, left)
      rest = rest.subarray(chunk.length)
      left -= chunk.length
      yield chunk
    }
  }

  async function take(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const chunk of chunks(bytes)) parts.push(chunk)
    return Buffer.concat(parts)
  }
}

function invalid(path: string, error: unknown): unknown {
  const code = systemCodeOf(error)
  const isOfArchive =
    error instanceof RangeError ||
    error instanceof SyntaxError ||
    code.startsWith('Z_') ||
    code.startsWith('ZSTD_') ||
    code === 'ENOENT' ||
    code === 'EACCES' ||
    code === 'EISDIR'
  if (isPlatformError(error) || !isOfArchive) return error
  return new PlatformError(
    'BACKUP_INVALID',
    `${path}: expected a whole backup of this platform, got: ${messageOf(error)}; use another backup`,
    { cause: error },
  )
}
