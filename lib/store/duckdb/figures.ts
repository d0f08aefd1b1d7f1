import { join } from 'node:path'
import { BIGINT, VARCHAR, DuckDBDataChunk, type DuckDBConnection } from '@duckdb/node-api'
import { emptyChannel, thawChannel, type ChannelRun } from '../loss-runs.ts'
import { bigintIn, numberIn, rowsOf, textIn } from './sql.ts'

/*
 * The figures file holds what is derived from raw rows in the order of the journal: counts, latency
 * buckets and loss per device and minute, and the same per hour. `rolled` is the position up to which
 * raw rows are in it; it moves in the transaction that adds their figures, so each row counts once,
 * whatever happens in between. Rows are only added: a minute may have several, merged by sum. Each
 * carries in `upto` the position of its roll-up, so that a question can hold on to one position.
 */

export const FIGURES = 'figures'

/** What a figure is of, beside its time: the groupings of questions come from these. */
export const KEYS = ['device', 'kind', 'rat', 'cell', 'operator', 'band'] as const
export const COUNTS = [
  'messages',
  'readings',
  'bytes',
  'late',
  'received',
  'lost',
  'restarts',
] as const

const KEY_COLUMNS = KEYS.map((key) => `${key} VARCHAR`).join(', ')
const COUNT_COLUMNS = COUNTS.map((name) => `${name} BIGINT NOT NULL`).join(', ')

/** Positions and times of the figures file. */
export interface Figures {
  readonly path: string
  rolled: number
  /** Minute rows up to this position are in the hours too. */
  hoursRolled: number
  /** Minutes before it are gone; the hours stand for them. A whole hour. */
  minuteFloorNs: bigint
  /** Partitions that retention has dropped. */
  readonly dropped: Map<string, Dropped>
  /** Sequence numbers per device and channel, as of `rolled`. */
  channels: Map<string, ChannelRun>
  dirty: boolean
  checkpointedAtNs: bigint
}

export interface Dropped {
  readonly position: number
  /** Newest device time it held: questions before it need the figures. */
  readonly maxNs: bigint
}

export function figuresPath(dir: string): string {
  return join(dir, `${FIGURES}.duckdb`)
}

export function schemaOfFigures(journal: string): string {
  const tables = ['minute', 'hour'].map(
    (step) => `
    CREATE TABLE ${FIGURES}.${step}_counts (time_ns BIGINT NOT NULL, upto BIGINT NOT NULL,
      ${KEY_COLUMNS}, ${COUNT_COLUMNS});
    CREATE TABLE ${FIGURES}.${step}_latency (time_ns BIGINT NOT NULL, upto BIGINT NOT NULL,
      ${KEY_COLUMNS}, stage VARCHAR NOT NULL, bucket INTEGER NOT NULL, n BIGINT NOT NULL,
      negative BIGINT NOT NULL, max_ms DOUBLE NOT NULL, bound_ms DOUBLE);`,
  )
  return `BEGIN;
    CREATE TABLE ${FIGURES}.progress (journal VARCHAR NOT NULL, rolled BIGINT NOT NULL,
      hours_rolled BIGINT NOT NULL, minute_floor_ns BIGINT NOT NULL);
    INSERT INTO ${FIGURES}.progress VALUES ('${journal}', 0, 0, 0);
    CREATE TABLE ${FIGURES}.dropped (name VARCHAR NOT NULL, position BIGINT NOT NULL,
      max_ns BIGINT NOT NULL);
    CREATE TABLE ${FIGURES}.channels (device VARCHAR NOT NULL, channel VARCHAR NOT NULL,
      run VARCHAR NOT NULL);
    ${tables.join('')}
    COMMIT; CHECKPOINT ${FIGURES}`
}

/** Reads the attached figures file; null when it was never finished. */
export async function readFigures(
  connection: DuckDBConnection,
  dir: string,
): Promise<{ readonly journal: string; readonly figures: Figures } | null> {
  const tables = await rowsOf(
    connection,
    `SELECT table_name FROM duckdb_tables() WHERE database_name = '${FIGURES}'`,
  )
  if (!tables.some((row) => row['table_name'] === 'progress')) return null
  const [progress] = await rowsOf(connection, `SELECT * FROM ${FIGURES}.progress`)
  if (!progress) return null
  const figures: Figures = {
    path: figuresPath(dir),
    rolled: numberIn(progress, 'rolled'),
    hoursRolled: numberIn(progress, 'hours_rolled'),
    minuteFloorNs: bigintIn(progress, 'minute_floor_ns'),
    dropped: new Map(),
    channels: new Map(),
    dirty: false,
    checkpointedAtNs: 0n,
  }
  const dropped = `SELECT name, max(position) AS position, max(max_ns) AS max_ns
    FROM ${FIGURES}.dropped GROUP BY name`
  for (const row of await rowsOf(connection, dropped)) {
    figures.dropped.set(textIn(row, 'name'), {
      position: numberIn(row, 'position'),
      maxNs: bigintIn(row, 'max_ns'),
    })
  }
  for (const row of await rowsOf(connection, `SELECT * FROM ${FIGURES}.channels`)) {
    const key = channelKey(textIn(row, 'device'), textIn(row, 'channel'))
    figures.channels.set(key, thawChannel(textIn(row, 'run')))
  }
  return { journal: textIn(progress, 'journal'), figures }
}

export function channelKey(device: string, channel: string): string {
  return `${device} ${channel}`
}

export function channelOf(figures: Figures, key: string): ChannelRun {
  return figures.channels.get(key) ?? emptyChannel()
}

/** Tables of the writer's connection through which values go into SQL in bulk. */
export const TEMPORARY_TABLES = `
  CREATE TEMP TABLE loss_part (time_ns BIGINT, ${KEY_COLUMNS}, received BIGINT, lost BIGINT,
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
