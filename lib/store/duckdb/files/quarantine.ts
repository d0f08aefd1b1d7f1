import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import { syncFolder } from '#lib/runtime/files.ts'
import type { Log } from '#lib/runtime/log.ts'
import { isPassing, unavailable } from './engine.ts'
import { attachSql } from './part.ts'

/** What became of a file: opened, opened without its WAL, or moved away whole. */
export type Attached = 'whole' | 'without_wal' | 'gone'

export interface AttachOptions {
  /** Damaged files are moved away; otherwise they are an error. Only at the start. */
  readonly repair: boolean
  readonly log: Log
}

/** Three headers come before anything else: a file of fewer was never finished. */
const HEADER_BYTES = 4096
const HEADERS = 3

/**
 * Attaches a database file. What a full disk or a kill left of a new one, before it could hold
 * anything, is made again. A WAL that cannot be replayed, and then a file that cannot be read, go to
 * `quarantine/`: what they held is read again from the journal.
 */
export async function attach(
  connection: DuckDBConnection,
  path: string,
  name: string,
  { repair, log }: AttachOptions,
): Promise<Attached> {
  if (wasNeverFinished(path)) rmSync(path)
  let problem = await tryAttach(connection, path, name)
  if (problem === null) return 'whole'
  if (!repair) throw unavailable(`open ${path} again`, problem)
  if (existsSync(`${path}.wal`)) {
    moveAway(path, log, { files: (file) => file.startsWith('.wal'), problem })
    problem = await tryAttach(connection, path, name)
    if (problem === null) return 'without_wal'
  }
  moveAway(path, log, { files: () => true, problem })
  return 'gone'
}

function wasNeverFinished(path: string): boolean {
  const size = statSync(path, { throwIfNoEntry: false })?.size
  if (size === undefined || existsSync(`${path}.wal`)) return false
  return size % HEADER_BYTES === 0 && size < HEADERS * HEADER_BYTES
}

/** The error of a damaged file, or null; a world that fails for other reasons is thrown. */
async function tryAttach(
  connection: DuckDBConnection,
  path: string,
  name: string,
): Promise<unknown> {
  try {
    await connection.run(attachSql(path, name))
    return null
  } catch (error) {
    if (isPassing(error)) throw unavailable(`open ${path}`, error)
    if (/version number/i.test(messageOf(error))) throw newerFile(path, error)
    return error
  }
}

/** A sound file that a newer program wrote is not to be moved away. */
function newerFile(path: string, error: unknown): PlatformError {
  return new PlatformError(
    'DATA_DIR_FOREIGN',
    `${path}: expected a file this program can read, got one of another version of DuckDB ` +
      `("${messageOf(error)}"); run the program that wrote it`,
    { cause: error },
  )
}

interface Move {
  /** Which of the files go, by what follows the name of the database file. */
  readonly files: (suffix: string) => boolean
  readonly problem: unknown
}

function moveAway(path: string, log: Log, { files, problem }: Move): void {
  const dir = dirname(path)
  const file = basename(path)
  const target = join(dir, 'quarantine')
  mkdirSync(target, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(dir)) {
    if (!name.startsWith(file) || !files(name.slice(file.length))) continue
    const to = freeName(join(target, name))
    renameSync(join(dir, name), to)
    log.error(
      { file: join(dir, name), movedTo: to, problem: messageOf(problem) },
      'a file of the store cannot be read and was moved away; its rows are read again from the ' +
        'journal as far as that is kept. Check the disk, and delete the moved file when all is well',
    )
  }
  syncFolder(target)
  syncFolder(dir)
}

function freeName(path: string): string {
  for (let n = 0; ; n += 1) {
    const name = n === 0 ? path : `${path}.${n}`
    if (!existsSync(name)) return name
  }
}
