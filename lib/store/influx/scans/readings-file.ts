import { rm, stat } from 'node:fs/promises'
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  INTEGER,
  LIST,
  VARCHAR,
  DuckDBDataChunk,
  DuckDBInstance,
  listValue,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api'
import { channelPseudonym } from '#lib/runtime/channel-pseudonym.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import { tenantOf, type FullId } from '#lib/telemetry/ids.ts'
import type { ReadingsFile, ReadingsFileScan } from '../../scans.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import { RADIO_FIELDS } from '#lib/telemetry/radio.ts'
import { identifier as sqlName, literal as sqlText } from '../../duckdb/files/sql.ts'
import {
  allOf,
  identifier,
  kindsIn,
  ratConditions,
  readingsWithin,
  scopeConditions,
} from '../client/influxql.ts'
import { pagesOf } from '../client/pages.ts'
import { RADIO_NAMES } from '../write/reading-point.ts'
import { ownReadings, readingColumns, readingRow, wantedFields } from './rows.ts'
import type { ScanContext } from './view.ts'

/** The raw readings of a span as a Parquet file: gathered in a file of DuckDB, sorted and written. */
export async function scanReadingsFile(
  context: ScanContext,
  query: ReadingsFileScan,
): Promise<ReadingsFile> {
  const gathered = `${query.path}.gathered`
  const instance = await DuckDBInstance.create(gathered)
  const connection = await instance.connect()
  try {
    const rows = await gather(context, query, connection)
    await connection.run(
      `COPY (SELECT * EXCLUDE (own_device, own_position, own_index) FROM rows
         ORDER BY "time", own_device, own_position, own_index)
       TO ${sqlText(query.path)} (FORMAT parquet, COMPRESSION zstd)`,
    )
    return { path: query.path, rows, bytes: (await stat(query.path)).size }
  } catch (error) {
    await rm(query.path, { force: true })
    throw error
  } finally {
    connection.closeSync()
    instance.closeSync()
    for (const path of [gathered, `${gathered}.wal`]) await rm(path, { force: true })
  }
}

/** Devices with readings in a scan. */
export async function scanReadingDevices(
  { influx, signal }: ScanContext,
  { scope, kind, rats, fromNs, toNs }: ReadingsFileScan,
): Promise<readonly FullId[]> {
  const where = scopeConditions(scope)
  if (!where || !kindsIn(scope).includes(kind)) return []
  const conditions = allOf([...readingsWithin({ fromNs, toNs }), ...where, ...ratConditions(rats)])
  const series = await influx.query(
    `SELECT count("journal") FROM ${identifier(kind)} WHERE ${conditions} GROUP BY "device"`,
    signal,
  )
  return series.flatMap(({ tags }) => tags['device'] || []).toSorted()
}

interface Column {
  readonly name: string
  readonly type: DuckDBType
  readonly value: (row: Flagged) => DuckDBValue
}

type Flagged = ReadingRow & { readonly shown: string; readonly tenant: string }

async function gather(
  { influx, signal }: ScanContext,
  query: ReadingsFileScan,
  connection: DuckDBConnection,
): Promise<number> {
  const { scope, kind, fromNs, toNs, maxRows, channelSalt: salt } = query
  const fields = wantedFields(kind, query.fields)
  const columns = columnsOf(kind, fields)
  const defined = columns.map(({ name, type }) => `${sqlName(name)} ${String(type)}`)
  await connection.run(`CREATE TABLE gathered (${defined.join(', ')})`)
  const scoped = kindsIn(scope).includes(kind) ? scopeConditions(scope) : null
  const where = scoped && [...scoped, ...ratConditions(query.rats)]
  let rows = 0
  if (where) {
    const names = query.names && new Map(query.names.map((one) => [one.device, one]))
    const selected = readingColumns(kind, fields)
    const selection = { measurement: kind, columns: selected, span: { fromNs, toNs }, where }
    const appender = await connection.createAppender('gathered')
    for await (const page of pagesOf(influx, { ...selection, exact: true }, signal)) {
      const readings = ownReadings(influx, { measurement: kind, rows: page }, (row) =>
        readingRow(row, kind, fields),
      )
      rows += readings.length
      if (rows > maxRows) throw tooLarge(maxRows)
      const shown = readings.flatMap((reading) => {
        const name = names?.get(reading.device)
        if (names && !name) return []
        const { device } = reading
        return {
          ...reading,
          shown: name?.shown ?? device,
          tenant: name?.tenant ?? tenantOf(device),
          channel: salt === null ? reading.channel : channelPseudonym(salt, reading.channel),
        }
      })
      append(appender, columns, shown)
    }
    appender.closeSync()
  }
  const times = ['time', 'receivedAt', 'claimedTime'].map(
    (name) => `make_timestamp_ns(${sqlName(name)}) AS ${sqlName(name)}`,
  )
  await connection.run(`CREATE VIEW rows AS SELECT * REPLACE (${times.join(', ')}) FROM gathered`)
  return rows
}

/** DuckDB's vector size: the most a data chunk holds. */
const CHUNK_ROWS = 2048

function append(
  appender: Awaited<ReturnType<DuckDBConnection['createAppender']>>,
  columns: readonly Column[],
  rows: readonly Flagged[],
): void {
  for (let from = 0; from < rows.length; from += CHUNK_ROWS) {
    const some = rows.slice(from, from + CHUNK_ROWS)
    const chunk = DuckDBDataChunk.create(columns.map(({ type }) => type))
    chunk.setColumns(columns.map(({ value }) => some.map((row) => value(row))))
    appender.appendDataChunk(chunk)
  }
}

const TYPES = { number: DOUBLE, string: VARCHAR, boolean: BOOLEAN } as const

/** The columns that CSV has, and what rows are sorted by. */
function columnsOf(kind: Kind, fields: readonly string[]): Column[] {
  const column = (name: string, type: DuckDBType, value: Column['value']) => ({ name, type, value })
  return [
    column('time', BIGINT, (row) => row.timeNs),
    column('device', VARCHAR, (row) => row.shown),
    column('tenant', VARCHAR, (row) => row.tenant),
    column('kind', VARCHAR, (row) => row.kind),
    column('channel', VARCHAR, (row) => row.channel),
    column('seq', BIGINT, ({ seq }) => (seq === null ? null : BigInt(seq))),
    column('receivedAt', BIGINT, (row) => row.receivedAtNs),
    column('flags', LIST(VARCHAR), (row) => listValue([...row.flags])),
    ...fields.map((name) => {
      const type = TYPES[KINDS[kind].fields[name]?.type ?? 'string']
      return column(name, type, (row) => row.fields[name] ?? null)
    }),
    ...RADIO_NAMES.map((name) => {
      const type = TYPES[RADIO_FIELDS[name].type]
      return column(`radio.${name}`, type, (row) => row.radio?.[name] ?? null)
    }),
    column('claimedTime', BIGINT, (row) => row.claimedTimeNs),
    column('own_device', VARCHAR, (row) => row.device),
    column('own_position', BIGINT, (row) => BigInt(row.position)),
    column('own_index', INTEGER, (row) => row.readingOrdinal),
  ]
}

function tooLarge(maxRows: number): PlatformError {
  return new PlatformError(
    'EXPORT_TOO_LARGE',
    `expected at most ${maxRows} readings in one file (PADBORG_EXPORT_MAX_ROWS), the ` +
      `query has more; choose a shorter span or fewer devices`,
  )
}
