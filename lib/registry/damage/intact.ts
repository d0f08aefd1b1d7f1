import { DatabaseSync } from 'node:sqlite'
import { PlatformError } from '#lib/runtime/errors.ts'
import { MIGRATIONS } from '../migrations.ts'
import { ROW_DIGEST, rowDigest } from './row-digest.ts'

/** What the rows alone do not show: damaged tables, indexes and triggers. Throws DATA_DIR_FOREIGN. */
export function requireIntact(db: DatabaseSync, path: string): void {
  // Foreign keys are followed by indexes: with a damaged one a credential outlives its device.
  const found = String(db.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'])
  if (found !== 'ok') throw damaged(path, found.replaceAll(/\s+/g, ' '))
  if (schemaOf(db) !== expectedSchema()) {
    throw damaged(path, 'its tables are not those of this program')
  }
}

export function damaged(path: string, got: string, cause?: unknown): PlatformError {
  return new PlatformError(
    'DATA_DIR_FOREIGN',
    `${path}: expected the registry as it was written, got a damaged file (${got}); restore a ` +
      'backup: without one its tenants, devices and keys cannot be trusted',
    { cause },
  )
}

/** Of a new registry: what the migrations make does not depend on the rows. */
function expectedSchema(): string {
  const fresh = new DatabaseSync(':memory:')
  try {
    fresh.function(ROW_DIGEST, { varargs: true, deterministic: true }, rowDigest)
    for (const migration of MIGRATIONS) fresh.exec(migration)
    return schemaOf(fresh)
  } finally {
    fresh.close()
  }
}

function schemaOf(db: DatabaseSync): string {
  return JSON.stringify(
    db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all(),
  )
}
