import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { ROW_DIGEST, rowDigest } from './row-digest.ts'

/*
 * SQLite has no checksums of its own. Each row of the registry has a digest, and the table `seal` one
 * row: how many changes there have been (`generation`), and a sum over the digests of all rows and
 * that number (`total`). A changed row does not match its digest; a row that is lost, doubled or taken
 * from an earlier page does not match the sum. Triggers keep both, in the transaction of the change,
 * for rows that a foreign key deletes as well.
 */

const MODULUS = 2 ** 48

interface SealedTable {
  readonly name: string
  readonly key: readonly string[]
  /** All of them, in the order of the table. */
  readonly columns: readonly string[]
}

export const SEAL_TABLE = `CREATE TABLE seal (
     id INTEGER PRIMARY KEY CHECK (id = 1), generation INTEGER NOT NULL, total INTEGER NOT NULL
   ) STRICT;
   INSERT INTO seal (id, generation, total) VALUES (1, 0, 0);`

/** SQL that gives a table its digests; a migration that adds a column makes the triggers again. */
export function sealing({ name, key, columns }: SealedTable): string {
  const values = columns.map((column) => `'${column}', NEW.${column}`).join(', ')
  const same = key.map((column) => `${column} = NEW.${column}`).join(' AND ')
  const digest = `UPDATE ${name} SET digest = ${ROW_DIGEST}('${name}', ${values}) WHERE ${same};`
  const count = (change: string) =>
    `UPDATE seal SET generation = generation + 1,
       total = (total + 1 + ${change}) & ${MODULUS - 1};`
  return `ALTER TABLE ${name} ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
   CREATE TRIGGER ${name}_added AFTER INSERT ON ${name} BEGIN ${digest} END;
   CREATE TRIGGER ${name}_changed AFTER UPDATE OF ${columns.join(', ')} ON ${name}
     BEGIN ${digest} END;
   CREATE TRIGGER ${name}_sealed AFTER UPDATE OF digest ON ${name}
     BEGIN ${count('NEW.digest - OLD.digest')} END;
   CREATE TRIGGER ${name}_removed AFTER DELETE ON ${name} BEGIN ${count('0 - OLD.digest')} END;
   UPDATE ${name} SET ${key[0]} = ${key[0]};`
}

export type Row = Readonly<Record<string, SQLOutputValue>>

/** A row, or the whole of them, is not as it was written. */
export class SealBroken extends Error {}

/** Reads tables and checks them on the way. */
export interface SealedReader {
  /** The rows of a table. Throws SealBroken. */
  rows(table: string, order?: string): readonly Row[]
  /** After all tables were read: the number of changes so far. Throws SealBroken. */
  generation(): number
}

/** To be used within one transaction. */
export function createSealedReader(db: DatabaseSync): SealedReader {
  let sum = 0
  return {
    rows(table, order) {
      const rows = db.prepare(`SELECT * FROM ${table}${order ? ` ORDER BY ${order}` : ''}`).all()
      for (const row of rows) sum = (sum + checkedDigest(table, row)) % MODULUS
      return rows
    },
    generation() {
      const { generation, total } = db.prepare('SELECT * FROM seal').get() ?? {}
      if (typeof generation !== 'number' || (sum + generation) % MODULUS !== total) {
        throw new SealBroken('rows are missing, or are those of an earlier moment')
      }
      return generation
    },
  }
}

function checkedDigest(table: string, { digest, ...row }: Row): number {
  const expected = rowDigest(table, ...Object.entries(row).flat())
  if (digest === expected) return expected
  throw new SealBroken(`a row of ${table} does not match its digest`)
}
