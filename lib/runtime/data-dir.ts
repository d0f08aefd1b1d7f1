import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { PlatformError, messageOf, systemCodeOf } from './errors.ts'
import { writeFileAtomic, type AtomicWriteOptions } from './files.ts'
import type { Log } from './log.ts'
import { randomSecret } from './random.ts'
import { isBusy } from './sqlite.ts'

/** Where a running platform listens, and the token by which it accepts tools of this machine. */
export interface RunFile {
  readonly pid: number
  readonly addresses: Readonly<Record<string, string | number>>
  readonly token: string
}

/** A data directory held by this process. After `close()` another one may take it. */
export interface DataDir {
  /** Absolute. */
  readonly path: string
  writeRunFile(run: RunFile): void
  /** Removes the run file and releases the directory. May be called twice. */
  close(): void
}

/**
 * Creates the directory if needed and takes its lock, which the operating system releases however
 * this process ends. Throws DATA_DIR_UNUSABLE or DATA_DIR_LOCKED.
 */
export function openDataDir(dir: string, log: Log): DataDir {
  const path = resolve(dir)
  makeWritable(dir, path)
  const lock = takeLock(dir, path)
  const runFile = join(path, RUN_FILE)
  if (readRunFile(path)) {
    log.warn(
      { dataDir: path },
      'the last platform on this data directory was not shut down cleanly',
    )
  }
  rmSync(runFile, { force: true })
  let open = true

  return {
    path,
    writeRunFile: (run) => writePrivately(runFile, `${JSON.stringify(run)}\n`),
    close() {
      if (!open) return
      open = false
      rmSync(runFile, { force: true })
      HELD_LOCKS.delete(lock)
      lock.close()
    },
  }
}

/**
 * The run file of the platform on this directory; null without one. A killed platform leaves the file
 * behind: a platform answers there only while the lock is held (DATA_DIR_LOCKED).
 */
export function readRunFile(dir: string): RunFile | null {
  try {
    const value: unknown = JSON.parse(readFileSync(join(dir, RUN_FILE), 'utf8'))
    return isRunFile(value) ? value : null
  } catch {
    // Not there, not readable for this user, or not JSON: in each case no platform to talk to.
    return null
  }
}

/**
 * The admin key: the configured one, else that of `<dir>/admin-key`, else a new one that is written
 * there. If `isNew`, the caller shows it once.
 */
export function adminKey(
  dir: string,
  configured?: string,
): { readonly key: string; readonly isNew: boolean } {
  if (configured) return { key: configured, isNew: false }
  const path = join(dir, ADMIN_KEY_FILE)
  const made = randomSecret('pbk_')
  const key = keptSecret(path, made)
  if (key.length >= MIN_KEY_LENGTH) return { key, isNew: key === made }
  throw new PlatformError(
    'DATA_DIR_UNUSABLE',
    `${path}: expected an admin key of at least ${MIN_KEY_LENGTH} characters, got ${key.length}; ` +
      `remove the file and a new key is made, or set PADBORG_ADMIN_KEY`,
  )
}

/** A secret of the platform itself, made once and kept: `<dir>/pseudonym-secret`. */
export function pseudonymSecret(dir: string): string {
  const path = join(dir, PSEUDONYM_FILE)
  const secret = keptSecret(path, randomSecret('pbn_'))
  if (secret.length >= MIN_KEY_LENGTH) return secret
  const made = randomSecret('pbn_')
  writePrivately(path, `${made}\n`)
  return made
}

const RUN_FILE = 'run.json'
const LOCK_FILE = 'lock.db'
const ADMIN_KEY_FILE = 'admin-key'
const PSEUDONYM_FILE = 'pseudonym-secret'
/**
 * Node closes a database that is garbage collected and releases its lock: held here, the directory
 * stays locked even without a reference to the `DataDir`.
 */
const HELD_LOCKS = new Set<DatabaseSync>()
/** The same bound as for PADBORG_ADMIN_KEY. */
const MIN_KEY_LENGTH = 16

function makeWritable(dir: string, path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    const probe = join(path, `.write-check-${process.pid}`)
    closeSync(openSync(probe, 'w', 0o600))
    rmSync(probe)
  } catch (error) {
    throw unusable(dir, 'expected a directory this user may write', error)
  }
}

/**
 * The lock file must never be opened by other means in this process: closing any descriptor of it
 * would drop the POSIX lock.
 */
function takeLock(dir: string, path: string): DatabaseSync {
  let lock: DatabaseSync | null = null
  try {
    lock = new DatabaseSync(join(path, LOCK_FILE), { timeout: 0 })
    lock.exec('BEGIN EXCLUSIVE')
    HELD_LOCKS.add(lock)
    return lock
  } catch (error) {
    lock?.close()
    if (!isBusy(error)) throw unusable(dir, `expected a lock file ${LOCK_FILE} to be held`, error)
    const pid = readRunFile(path)?.pid
    throw new PlatformError(
      'DATA_DIR_LOCKED',
      `PADBORG_DATA_DIR=${dir}: another platform${pid === undefined ? '' : ` (pid ${pid})`} runs on ` +
        `${path}; stop it, or give this one a directory of its own`,
      { cause: error },
    )
  }
}

function unusable(dir: string, expected: string, error: unknown): PlatformError {
  return new PlatformError(
    'DATA_DIR_UNUSABLE',
    `PADBORG_DATA_DIR=${dir}: ${expected}, got ${messageOf(error)}; create it for this user, or set ` +
      `PADBORG_DATA_DIR to another directory`,
    { cause: error },
  )
}

/**
 * The secret in a file; without the file the new one, which is then written there. Of several processes
 * that start at the same moment one writes, and the others read what it has written.
 */
function keptSecret(path: string, made: string): string {
  const known = readIfThere(path)?.trim()
  if (known !== undefined) return known
  writePrivately(path, `${made}\n`, { keepExisting: true })
  return readIfThere(path)?.trim() ?? made
}

/** For its owner alone. Throws DATA_DIR_UNUSABLE. */
function writePrivately(path: string, text: string, options: AtomicWriteOptions = {}): void {
  try {
    writeFileAtomic(path, text, options)
  } catch (error) {
    throw new PlatformError(
      'DATA_DIR_UNUSABLE',
      `${path} cannot be written (${messageOf(error)}); check the disk and the permissions`,
      { cause: error },
    )
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw new PlatformError(
      'DATA_DIR_UNUSABLE',
      `${path} cannot be read (${messageOf(error)}); it must belong to the user of the platform`,
      { cause: error },
    )
  }
}

function isRunFile(value: unknown): value is RunFile {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'token' in value &&
    typeof value.token === 'string' &&
    'addresses' in value &&
    typeof value.addresses === 'object' &&
    value.addresses !== null
  )
}
