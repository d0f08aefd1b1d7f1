import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { syncFolder } from '#lib/runtime/files.ts'
import { KINDS, KIND_NAMES, isKind, type Kind } from '#lib/telemetry/catalogue.ts'
import type { RetentionClass } from '#lib/telemetry/field.ts'
import type { Extent } from '../../extent.ts'
import { retentionOfPart } from '../../part-names.ts'
import { columnsOf } from '../write/columns.ts'
import { bigintIn, identifier, literal, numberIn, rowsOf, textIn } from './sql.ts'

/** A partition that is attached: one file, one position, a table per kind. */
export interface Part {
  readonly name: string
  readonly retention: RetentionClass
  readonly path: string
  /** Rows at or below it are in the file. */
  position: number
  /** The catalogue of device times: which kinds the file holds, and from when to when. */
  readonly extents: Map<Kind, Extent>
  /** Columns of each table and their types, in the order of the file; older files lack newer ones. */
  readonly columns: Map<string, Map<string, string>>
  /** Tables and columns are those of this program. */
  current: boolean
  /** First position that is in the WAL only; null when everything is checkpointed. */
  dirtyFrom: number | null
  checkpointedAtNs: bigint
  /** Scans that read it now: it is not detached under them. */
  readers: number
}

export const PART_SUFFIX = '.duckdb'

function kindsOf(retention: RetentionClass): readonly Kind[] {
  return KIND_NAMES.filter((kind) => KINDS[kind].retention === retention)
}

/**
 * Rows that were not checkpointed yet take a whole block of memory per column of each table. Files of many
 * small tables therefore have small blocks, at the price of a third more disk; of the large tables of
 * the fleet it would be twice as much. A file keeps the blocks it was made with.
 */
const SMALL_BLOCK_BYTES = 65_536

export function attachSql(path: string, name: string): string {
  const isSmall = retentionOfPart(name) !== 'fleet' && !existsSync(path)
  const options = isSmall ? ` (BLOCK_SIZE ${SMALL_BLOCK_BYTES})` : ''
  return `ATTACH ${literal(path)} AS ${identifier(name)}${options}`
}

export function createPart(dir: string, name: string, retention: RetentionClass): Part {
  return {
    name,
    retention,
    path: join(dir, name + PART_SUFFIX),
    position: 0,
    extents: new Map(),
    columns: new Map(),
    current: false,
    dirtyFrom: null,
    checkpointedAtNs: 0n,
    readers: 0,
  }
}

/** Reads the position and the catalogue of the attached file; null when it was never finished. */
export async function readPart(connection: DuckDBConnection, part: Part): Promise<string | null> {
  const columns = await rowsOf(
    connection,
    `SELECT table_name, column_name, data_type FROM duckdb_columns()
     WHERE database_name = ${literal(part.name)} AND NOT internal
     ORDER BY table_name, column_index`,
  )
  part.columns.clear()
  for (const row of columns) {
    const table = textIn(row, 'table_name')
    const known = part.columns.get(table) ?? new Map<string, string>()
    part.columns.set(table, known.set(textIn(row, 'column_name'), textIn(row, 'data_type')))
  }
  if (!part.columns.has('progress')) return null
  let journal: string | null = null
  part.extents.clear()
  part.position = 0
  const progress = await rowsOf(connection, `SELECT * FROM ${identifier(part.name)}.progress`)
  for (const row of progress) {
    journal = textIn(row, 'journal')
    part.position = Math.max(part.position, numberIn(row, 'position'))
    const kind = textIn(row, 'kind')
    if (!isKind(kind) || numberIn(row, 'rows') === 0) continue
    const minNs = bigintIn(row, 'min_ns')
    part.extents.set(kind, {
      rows: numberIn(row, 'rows'),
      minNs,
      maxNs: bigintIn(row, 'max_ns'),
    })
  }
  return journal
}

/**
 * Brings the tables of a file to those of this program: all of them in a new file, new kinds and
 * fields in one of an older program. The checkpoint after it keeps DDL out of the WAL.
 */
export async function ensureSchema(
  connection: DuckDBConnection,
  part: Part,
  journal: string,
): Promise<void> {
  if (part.current) return
  const statements = schemaChanges(part, journal)
  if (statements.length > 0) {
    await connection.run(['BEGIN', ...statements, 'COMMIT'].join(';\n'))
    await connection.run(`CHECKPOINT ${identifier(part.name)}`)
    await readPart(connection, part)
    syncFolder(join(part.path, '..'))
  }
  part.current = true
}

function schemaChanges({ name, retention, columns }: Part, journal: string): string[] {
  const statements: string[] = []
  const file = identifier(name)
  if (!columns.has('progress')) {
    statements.push(
      `CREATE TABLE ${file}.progress (kind VARCHAR NOT NULL, journal VARCHAR NOT NULL,
         position BIGINT NOT NULL, rows BIGINT NOT NULL, min_ns BIGINT, max_ns BIGINT)`,
    )
  }
  for (const kind of kindsOf(retention)) {
    const known = columns.get(kind)
    const wanted = columnsOf(kind)
    if (!known) {
      const defined = wanted.map((column) => `${identifier(column.name)} ${String(column.type)}`)
      statements.push(
        `CREATE TABLE ${file}.${identifier(kind)} (${defined.join(', ')})`,
        `INSERT INTO ${file}.progress VALUES (${literal(kind)}, ${literal(journal)}, 0, 0, NULL, NULL)`,
      )
      continue
    }
    for (const column of wanted.filter((one) => !known.has(one.name))) {
      const definition = `${identifier(column.name)} ${String(column.type)}`
      statements.push(`ALTER TABLE ${file}.${identifier(kind)} ADD COLUMN ${definition}`)
    }
  }
  return statements
}

/** The catalogue of a kind, and up to where its rows are in the file: one row replaces another. */
export function progressSql(
  { name }: Part,
  {
    kind,
    journal,
    position,
    extent,
  }: {
    readonly kind: Kind
    readonly journal: string
    readonly position: number
    readonly extent: Extent
  },
): string {
  const progress = `${identifier(name)}.progress`
  // Not UPDATE: until every scan that began before has ended, no checkpoint is possible after one.
  return `DELETE FROM ${progress} WHERE kind = ${literal(kind)};
    INSERT INTO ${progress} VALUES (${literal(kind)}, ${literal(journal)}, ${position}, ${extent.rows},
      ${extent.minNs}, ${extent.maxNs})`
}
