import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite'
import { PlatformError, messageOf, systemCodeOf } from './errors.ts'

export interface DatabaseOptions {
  /** SQL by number: entry n brings a database from version n to n + 1. Never changed once released. */
  readonly migrations: readonly string[]
  /** For a second reader of a file that its writer has open. Runs no migration. */
  readonly readOnly?: boolean
  /** `full` (default): a commit is on disk when it returns; `normal` may lose the last ones. */
  readonly synchronous?: 'full' | 'normal'
  /** What migrations and triggers call, by name: the result depends on the arguments alone. */
  readonly functions?: Readonly<Record<string, SqlFunction>>
}

export type SqlFunction = (...values: readonly SQLOutputValue[]) => SQLInputValue

/** How long a statement waits for the lock of another connection. */
const BUSY_TIMEOUT_MS = 5000

/**
 * Opens a database in WAL mode with foreign keys enforced, and brings it to the version of the code.
 * Throws DATA_DIR_UNUSABLE when the file cannot be opened, and DATA_DIR_FOREIGN when it is not a
 * database, or one of a newer program.
 */
export function openDatabase(path: string, options: DatabaseOptions): DatabaseSync {
  const { migrations, readOnly = false, synchronous = 'full', functions = {} } = options
  try {
    if (!readOnly) createPrivately(path)
    const db = new DatabaseSync(path, { readOnly, timeout: BUSY_TIMEOUT_MS })
    try {
      db.exec('PRAGMA foreign_keys = ON')
      for (const [name, fn] of Object.entries(functions)) {
        db.function(name, { varargs: true, deterministic: true }, fn)
      }
      if (readOnly) requireVersion(db, path, migrations.length)
      else {
        refuseNewer(db, path, migrations.length)
        db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}`)
        migrate(db, path, migrations)
      }
      return db
    } catch (error) {
      db.close()
      throw error
    }
  } catch (error) {
    throw explainFailure(path, error)
  }
}

/**
 * Runs `fn` in a transaction that takes the write lock at once. If it throws, everything is rolled back
 * and the error is passed on; a disk that fails throws DATA_DIR_UNUSABLE.
 */
export function transaction<T>(db: DatabaseSync, fn: () => T): T {
  try {
    db.exec('BEGIN IMMEDIATE')
    const result = fn()
    db.exec('COMMIT')
    return result
  } catch (error) {
    // SQLite itself rolls back on some errors (full disk, failed I/O).
    if (db.isTransaction) db.exec('ROLLBACK')
    throw explainFailure(db.location() ?? 'memory', error)
  }
}

/** Whether a statement failed because another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  return sqliteCodeOf(error) === SQLITE_BUSY
}

// Primary result codes, https://sqlite.org/rescode.html
const SQLITE_BUSY = 5
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26
/** READONLY, IOERR, FULL, CANTOPEN: the disk, not the statement. */
const DISK_ERRORS: ReadonlySet<number> = new Set([8, 10, 13, 14])

/** The primary result code of an SQLite error; 0 for any other. */
function sqliteCodeOf(error: unknown): number {
  if (systemCodeOf(error) !== 'ERR_SQLITE_ERROR') return 0
  if (!(error instanceof Error) || !('errcode' in error)) return 0
  return typeof error.errcode === 'number' ? error.errcode & 0xff : 0
}

/**
 * Creates a new file for its owner alone; SQLite gives `-wal` and `-shm` the same mode. Exclusive,
 * because opening and closing an existing file would drop every POSIX lock this process holds on it
 * (https://sqlite.org/howtocorrupt.html, 2.2).
 */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw unusable(path, error)
  }
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version'])
}

function refuseNewer(db: DatabaseSync, path: string, known: number): void {
  const version = versionOf(db)
  if (version <= known) return
  throw new PlatformError(
    'DATA_DIR_FOREIGN',
    `${path}: expected a database of version ${known} or older, got version ${version}, written by ` +
      `a newer program; run that program, or restore a backup made with this one`,
  )
}

function requireVersion(db: DatabaseSync, path: string, known: number): void {
  refuseNewer(db, path, known)
  const version = versionOf(db)
  if (version === known) return
  throw new PlatformError(
    'DATA_DIR_FOREIGN',
    `${path}: expected a database of version ${known}, got version ${version}; start the platform ` +
      `of this program once, it brings the database up to date`,
  )
}

function migrate(db: DatabaseSync, path: string, migrations: readonly string[]): void {
  for (const [version, sql] of migrations.entries()) {
    transaction(db, () => {
      // Read under the write lock: another process may have migrated in between.
      if (versionOf(db) > version) return
      try {
        db.exec(sql)
      } catch (error) {
        if (DISK_ERRORS.has(sqliteCodeOf(error))) throw error
        throw new PlatformError(
          'DATA_DIR_FOREIGN',
          `${path}: migration ${version + 1} does not fit this database (${messageOf(error)}); ` +
            `restore a backup, or begin with an empty directory`,
          { cause: error },
        )
      }
      db.exec(`PRAGMA user_version = ${version + 1}`)
    })
  }
}

/** The coded error for a database or disk that fails; any other error as it is. */
export function explainFailure(path: string, error: unknown): unknown {
  const code = sqliteCodeOf(error)
  if (code === SQLITE_NOTADB || code === SQLITE_CORRUPT) {
    return new PlatformError(
      'DATA_DIR_FOREIGN',
      `${path}: expected an SQLite database, got "${messageOf(error)}"; restore the file from a ` +
        `backup, or move it away to begin with an empty one`,
      { cause: error },
    )
  }
  return DISK_ERRORS.has(code) ? unusable(path, error) : error
}

function unusable(path: string, error: unknown): PlatformError {
  return new PlatformError(
    'DATA_DIR_UNUSABLE',
    `${path}: expected a database that can be read and written, got "${messageOf(error)}"; make ` +
      `room on the disk and check the permissions of the folder`,
    { cause: error },
  )
}
