import { join } from 'node:path'
import { BIGINT, VARCHAR, DuckDBDataChunk, type DuckDBConnection } from '@duckdb/node-api'
import { COUNTS, KEYS } from '../../figure-keys.ts'
import { parseSequence, type ChannelSequence } from '../../sequences.ts'
import { FIGURES, GRAINS, STEPS, TENANT_OF, keysOf, tableOf, type Grain } from './grain.ts'
import { bigintIn, numberIn, rowsOf, textIn } from '../files/sql.ts'

/*
 * The figures file holds what is derived from raw rows in the order of the journal: counts, latency
 * buckets and loss per device and minute, and the same per hour. `rolled` is the position up to which
 * raw rows are in it; it moves in the transaction that adds their figures, so each row counts once,
 * whatever happens in between. Rows are only added: a minute may have several, merged by sum. Each
 * carries in `upto` the position of its roll-up, so that a scan can stay at one position.
 */

const keyColumns = (keys: readonly string[]) => keys.map((key) => `${key} VARCHAR`).join(', ')
const COUNT_COLUMNS = COUNTS.map((name) => `${name} BIGINT NOT NULL`).join(', ')

/** Positions and times of the figures file. */
export interface Figures {
  readonly path: string
  /** The journal whose positions these are. */
  readonly journal: string
  rolled: number
  /** Raw rows up to it are in the hours of the latency of single devices. */
  latencyRolled: number
  /** Minute rows up to this position are in the hours too. */
  hoursRolled: number
  /** Minutes before it are gone, the hours replace them. A whole hour. */
  minuteFloorNs: bigint
  /** Partitions that retention has dropped. */
  readonly dropped: Map<string, Dropped>
  /** Sequence numbers per device and channel, as of `rolled`. */
  channels: Map<string, ChannelSequence>
  dirty: boolean
  checkpointedAtNs: bigint
}

export interface Dropped {
  readonly position: number
  /** Newest device time it held: scans before it need the figures. */
  readonly maxNs: bigint
  /** The minutes of its devices' latency were kept. */
  readonly hasMinutes: boolean
}

export function figuresPath(dir: string): string {
  return join(dir, `${FIGURES}.duckdb`)
}

function tablesOf(grain: Grain): string {
  const keys = keyColumns(keysOf(grain))
  const tables = STEPS.map(
    (step) => `
    CREATE TABLE ${tableOf(step, grain, 'counts')} (time_ns BIGINT NOT NULL,
      upto BIGINT NOT NULL, ${keys}, ${COUNT_COLUMNS});
    CREATE TABLE ${tableOf(step, grain, 'latency')} (time_ns BIGINT NOT NULL,
      upto BIGINT NOT NULL, ${keys}, stage VARCHAR NOT NULL, bucket INTEGER NOT NULL,
      n BIGINT NOT NULL, negative BIGINT NOT NULL, max_ms DOUBLE NOT NULL, bound_ms DOUBLE,
      late BIGINT NOT NULL);`,
  )
  return tables.join('')
}

export function schemaOfFigures(journal: string): string {
  return `BEGIN;
    CREATE TABLE ${FIGURES}.progress (journal VARCHAR NOT NULL, rolled BIGINT NOT NULL,
      hours_rolled BIGINT NOT NULL, minute_floor_ns BIGINT NOT NULL,
      latency_rolled BIGINT NOT NULL);
    INSERT INTO ${FIGURES}.progress VALUES ('${journal}', 0, 0, 0, 0);
    CREATE TABLE ${FIGURES}.dropped (name VARCHAR NOT NULL, position BIGINT NOT NULL,
      max_ns BIGINT NOT NULL);
    CREATE TABLE ${FIGURES}.channels (device VARCHAR NOT NULL, channel VARCHAR NOT NULL,
      run VARCHAR NOT NULL);
    ${GRAINS.map(tablesOf).join('')}
    COMMIT; CHECKPOINT ${FIGURES}`
}

/** SQL columns and grouping that make figures of tenants out of those of devices. */
export function ofTenants(what: 'counts' | 'latency'): {
  readonly columns: string
  readonly groups: string
} {
  const keys = keysOf('tenant').map((key) =>
    key === 'tenant' ? `${TENANT_OF.device} AS tenant` : key,
  )
  const sums = (names: readonly string[]) =>
    names.map((name) => `sum(${name})::BIGINT AS ${name}`).join(', ')
  const groups = ['time_ns', 'upto', ...keysOf('tenant')].join(', ')
  if (what === 'counts')
    return { columns: `time_ns, upto, ${keys.join(', ')}, ${sums(COUNTS)}`, groups }
  return {
    columns: `time_ns, upto, ${keys.join(', ')}, stage, bucket, ${sums(['n', 'negative'])},
      max(max_ms) AS max_ms, max(bound_ms) AS bound_ms, ${sums(['late'])}`,
    groups: `${groups}, stage, bucket`,
  }
}

/** Figures of an earlier version have no late values: it left late round trips out. */
async function addLate(connection: DuckDBConnection): Promise<void> {
  const tables = await rowsOf(
    connection,
    `SELECT table_name FROM duckdb_columns() WHERE database_name = '${FIGURES}'
       AND table_name LIKE '%latency' GROUP BY table_name
       HAVING NOT list_contains(list(column_name), 'late')`,
  )
  if (tables.length === 0) return
  const additions = tables.map(
    (row) =>
      `ALTER TABLE ${FIGURES}.${textIn(row, 'table_name')} ADD COLUMN late BIGINT DEFAULT 0;`,
  )
  await connection.run(`BEGIN; ${additions.join(' ')} COMMIT; CHECKPOINT ${FIGURES}`)
}

/**
 * A file from before the figures of tenants gets them, made of those of its devices, whose minutes of
 * latency it then no longer needs: raw rows and hours replace them.
 */
export async function upgradeFigures(connection: DuckDBConnection): Promise<void> {
  await addLate(connection)
  const columns = await rowsOf(
    connection,
    `SELECT column_name FROM duckdb_columns() WHERE database_name = '${FIGURES}'
       AND table_name = 'progress' AND column_name IN ('journal', 'latency_rolled')`,
  )
  if (columns.length !== 1) return
  const fills = STEPS.flatMap((step) =>
    (['counts', 'latency'] as const).map((what) => {
      const { columns: select, groups } = ofTenants(what)
      return `INSERT INTO ${tableOf(step, 'tenant', what)}
        SELECT ${select} FROM ${tableOf(step, 'device', what)} GROUP BY ${groups};`
    }),
  )
  await connection.run(`BEGIN; ${tablesOf('tenant')} ${fills.join('')}
    ALTER TABLE ${FIGURES}.progress ADD COLUMN latency_rolled BIGINT;
    UPDATE ${FIGURES}.progress SET latency_rolled = hours_rolled;
    DELETE FROM ${tableOf('minute', 'device', 'latency')};
    COMMIT; CHECKPOINT ${FIGURES}`)
}

/** Reads the attached figures file; null when it was never finished. */
export async function readFigures(
  connection: DuckDBConnection,
  dir: string,
): Promise<Figures | null> {
  const tables = await rowsOf(
    connection,
    `SELECT table_name FROM duckdb_tables() WHERE database_name = '${FIGURES}'`,
  )
  if (!tables.some((row) => row['table_name'] === 'progress')) return null
  const [progress] = await rowsOf(connection, `SELECT * FROM ${FIGURES}.progress`)
  if (!progress) return null
  const figures: Figures = {
    path: figuresPath(dir),
    journal: textIn(progress, 'journal'),
    rolled: numberIn(progress, 'rolled'),
    latencyRolled: numberIn(progress, 'latency_rolled'),
    hoursRolled: numberIn(progress, 'hours_rolled'),
    minuteFloorNs: bigintIn(progress, 'minute_floor_ns'),
    dropped: new Map(),
    channels: new Map(),
    dirty: false,
    checkpointedAtNs: 0n,
  }
  const dropped = `SELECT name, max(position) AS position, max(max_ns) AS max_ns,
      max(position) IN (SELECT upto FROM ${tableOf('minute', 'device', 'latency')}) AS has_minutes
    FROM ${FIGURES}.dropped GROUP BY name`
  for (const row of await rowsOf(connection, dropped)) {
    figures.dropped.set(textIn(row, 'name'), {
      position: numberIn(row, 'position'),
      maxNs: bigintIn(row, 'max_ns'),
      hasMinutes: row['has_minutes'] === true,
    })
  }
  for (const row of await rowsOf(connection, `SELECT * FROM ${FIGURES}.channels`)) {
    const key = channelKey(textIn(row, 'device'), textIn(row, 'channel'))
    figures.channels.set(key, parseSequence(textIn(row, 'run')))
  }
  return figures
}

type Progress = Pick<Figures, 'rolled' | 'latencyRolled' | 'hoursRolled' | 'minuteFloorNs'>

/** Moves positions and times of the file: one row in place of another. */
export function progressSql(figures: Figures, moved: Partial<Progress>): string {
  const { journal, rolled, hoursRolled, minuteFloorNs, latencyRolled } = { ...figures, ...moved }
  // Not UPDATE: until every scan that began before has ended, no checkpoint is possible after one.
  return `DELETE FROM ${FIGURES}.progress;
    INSERT INTO ${FIGURES}.progress (journal, rolled, hours_rolled, minute_floor_ns, latency_rolled)
      VALUES ('${journal}', ${rolled}, ${hoursRolled}, ${minuteFloorNs}, ${latencyRolled})`
}

export function channelKey(device: string, channel: string): string {
  return `${device} ${channel}`
}

/** Tables of the writer's connection through which values go into SQL in bulk. */
export const TEMPORARY_TABLES = `
  CREATE TEMP TABLE loss_part (time_ns BIGINT, ${keyColumns(KEYS)}, received BIGINT, lost BIGINT,
    restarts BIGINT);
  CREATE TEMP TABLE channel_part (device VARCHAR, channel VARCHAR, run VARCHAR);
  CREATE TEMP TABLE wanted (nth BIGINT, kind VARCHAR, device VARCHAR, channel VARCHAR, seq BIGINT,
    time_ns BIGINT, hash UBIGINT, position BIGINT, idx BIGINT)`

export const TEMPORARY_TYPES = {
  loss_part: [BIGINT, ...KEYS.map(() => VARCHAR), BIGINT, BIGINT, BIGINT],
  channel_part: [VARCHAR, VARCHAR, VARCHAR],
} as const

/** Empties a temporary table and fills it with columns of equal length. */
export async function fillTemporary(
  connection: DuckDBConnection,
  table: string,
  types: Parameters<typeof DuckDBDataChunk.create>[0],
  columns: readonly (readonly (string | bigint | null)[])[],
): Promise<void> {
  await connection.run(`DELETE FROM temp.main.${table}`)
  const rows = columns[0]?.length ?? 0
  if (rows === 0) return
  const appender = await connection.createAppender(table, 'main', 'temp')
  for (let from = 0; from < rows; from += 2048) {
    const chunk = DuckDBDataChunk.create(types)
    chunk.setColumns(columns.map((column) => column.slice(from, from + 2048)))
    appender.appendDataChunk(chunk)
  }
  appender.closeSync()
}
