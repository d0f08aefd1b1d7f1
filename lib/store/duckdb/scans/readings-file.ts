import { statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { PSEUDONYM_HEX_DIGITS } from '#lib/runtime/channel-pseudonym.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { ReadingsFile, ReadingsFileScan } from '../../scans.ts'
import { RADIO_NAMES, fieldColumn, radioColumn } from '../write/columns.ts'
import { OWN_COLUMNS, wantedFields } from './readings.ts'
import { identifier, literal, numberIn, rowsOf, textIn } from '../files/sql.ts'
import { TENANT_OF } from '../figures/grain.ts'
import { kindsIn, ratConditions, rawSource, scopeConditions } from './raw-source.ts'
import type { ScanContext } from './view.ts'

/** The raw readings of a span as a Parquet file, with the columns that CSV has. */
export async function scanReadingsFile(
  context: ScanContext,
  query: ReadingsFileScan,
): Promise<ReadingsFile> {
  const { connection } = context
  const source = sourceOf(context, query)
  const [found] = await rowsOf(connection, `SELECT count(*) AS n FROM ${source}`)
  const rows = found ? numberIn(found, 'n') : 0
  if (rows > query.maxRows) {
    throw new PlatformError(
      'EXPORT_TOO_LARGE',
      `expected at most ${query.maxRows} readings in one file (PADBORG_EXPORT_MAX_ROWS), the ` +
        `query has ${rows}; choose a shorter span or fewer devices`,
    )
  }
  try {
    await connection.run(
      `COPY (SELECT ${columnsOf(query).join(', ')} FROM ${named(source, query)}
         ORDER BY time_ns, device, position, idx)
       TO ${literal(query.path)} (FORMAT parquet, COMPRESSION zstd)`,
    )
    return { path: query.path, rows, bytes: statSync(query.path).size }
  } catch (error) {
    await rm(query.path, { force: true })
    throw error
  }
}

/** Devices with readings in a scan. */
export async function scanReadingDevices(
  context: ScanContext,
  query: ReadingsFileScan,
): Promise<readonly FullId[]> {
  const rows = await rowsOf(
    context.connection,
    `SELECT DISTINCT device FROM ${sourceOf(context, query)} ORDER BY device`,
  )
  return rows.map((row) => textIn(row, 'device'))
}

function sourceOf(
  { view }: ScanContext,
  { scope, kind, fields, rats, fromNs, toNs }: ReadingsFileScan,
) {
  const wanted = wantedFields(kind, fields)
  return rawSource(view, {
    kinds: [kind],
    span: { fromNs, toNs },
    columns: [...OWN_COLUMNS, ...wanted.map(fieldColumn), ...RADIO_NAMES.map(radioColumn)],
    where: kindsIn(scope).includes(kind)
      ? [...scopeConditions(scope), ...ratConditions(rats)]
      : ['false'],
  })
}

/** Devices by the names of the caller; what has none is left out. */
function named(source: string, { names }: ReadingsFileScan): string {
  if (names === null)
    return `(SELECT *, device AS shown, ${TENANT_OF.device} AS tenant FROM ${source})`
  if (names.length === 0) {
    return `(SELECT *, device AS shown, ${TENANT_OF.device} AS tenant FROM ${source} WHERE false)`
  }
  const rows = names.map(
    ({ device, shown, tenant }) => `(${[device, shown, tenant].map(literal).join(', ')})`,
  )
  return `(SELECT * FROM ${source} JOIN (VALUES ${rows.join(', ')}) AS names (device, shown, tenant)
    USING (device))`
}

/** The same name that `channelPseudonym` gives. */
function channelSql(salt: string | null): string {
  if (salt === null) return 'channel'
  const digest = `sha256(concat(${literal(`${salt}:`)}, channel))`
  return `concat('channel-', left(${digest}, ${PSEUDONYM_HEX_DIGITS}))`
}

function columnsOf({ kind, fields, channelSalt }: ReadingsFileScan): string[] {
  return [
    'make_timestamp_ns(time_ns) AS time',
    'shown AS device',
    'tenant',
    'kind',
    `${channelSql(channelSalt)} AS channel`,
    'seq',
    `make_timestamp_ns(received_ns) AS ${identifier('receivedAt')}`,
    `${FLAG_LIST} AS flags`,
    ...wantedFields(kind, fields).map(
      (name) => `${identifier(fieldColumn(name))} AS ${identifier(name)}`,
    ),
    ...RADIO_NAMES.map(
      (name) => `${identifier(radioColumn(name))} AS ${identifier(`radio.${name}`)}`,
    ),
    `make_timestamp_ns(claimed_ns) AS ${identifier('claimedTime')}`,
  ]
}

const FLAG_CASES = Object.entries(FLAGS)
  .filter(([name]) => name !== 'not_live')
  .map(([name, bit]) => `CASE WHEN flags & ${bit} <> 0 THEN ${literal(name)} END`)
const FLAG_LIST = `list_filter([${FLAG_CASES.join(', ')}], lambda flag: flag IS NOT NULL)`
