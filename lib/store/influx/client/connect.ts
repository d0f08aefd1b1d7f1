import { HttpError } from '@influxdata/influxdb-client'
import type { Log } from '#lib/runtime/log.ts'
import { PlatformError, isPlatformError } from '#lib/runtime/errors.ts'
import type { StoreRetention } from '../../store.ts'
import { Refusal } from './failure.ts'
import { PROGRESS } from '../write/flush.ts'
import { nodeOf } from '../figures/figure-lines.ts'
import type { Influx } from './influx.ts'
import { identifier, literal } from './influxql.ts'
import { numberIn, ownRows, rowsOf, textOrNull } from '../scans/rows.ts'

/** Creates the database or bucket where it may, and warns where it keeps data too short a time. */
export async function ensureDatabase(
  influx: Influx,
  retention: StoreRetention,
  log: Log,
): Promise<void> {
  const days = Math.max(...Object.values(retention))
  if (influx.settings.kind === 'v2') await ensureBucket(influx, days)
  else await ensureDatabaseOf1(influx, days, log)
}

async function ensureDatabaseOf1(influx: Influx, days: number, log: Log): Promise<void> {
  const { database } = influx.settings
  const show = `SHOW RETENTION POLICIES ON ${identifier(database)}`
  const policies = await influx.query(show).catch((error: unknown) => {
    if (isMissing(error)) return null
    throw error
  })
  if (policies) {
    warnOfShortRetention(
      rowsOf(policies).map((row) => textOrNull(row, 'duration') ?? ''),
      days,
      log,
    )
    return
  }
  // A day more than the longest class: the platform decides what is dropped when.
  await influx.query(
    `CREATE DATABASE ${identifier(database)} WITH DURATION ${Math.ceil(days) + 1}d REPLICATION 1 NAME "padborg"`,
  )
  log.info({ database, days: Math.ceil(days) + 1 }, 'InfluxDB: the database was made')
}

function isMissing(error: unknown): boolean {
  if (!isPlatformError(error, 'CONFIG_INVALID')) return false
  const { cause } = error
  if (cause instanceof HttpError) return cause.statusCode === 404
  return /database not found/i.test(error.message)
}

/** Durations are written `26304h0m0s`; `0s` is for ever. */
function warnOfShortRetention(durations: readonly string[], days: number, log: Log): void {
  for (const duration of durations) {
    const hours = Number(/^(\d+)h/.exec(duration)?.[1] ?? 0)
    if (hours === 0 || hours >= days * 24) continue
    log.warn(
      { hours, days },
      'InfluxDB drops readings earlier than PADBORG_RETENTION_... allows: its retention policy is shorter',
    )
  }
}

/** Servers without this part of the API (3.x) make a database when it is written to. */
async function ensureBucket(influx: Influx, days: number): Promise<void> {
  const { database, org = '' } = influx.settings
  const name = encodeURIComponent(database)
  const found = await optional(
    influx,
    `/api/v2/buckets?name=${name}&org=${encodeURIComponent(org)}`,
  )
  if (found === null || listOf(found, 'buckets').length > 0) return
  const orgs = await optional(influx, `/api/v2/orgs?org=${encodeURIComponent(org)}`)
  const [first] = orgs === null ? [] : listOf(orgs, 'orgs')
  if (!first) return
  const everySeconds = (Math.ceil(days) + 1) * 86_400
  const retentionRules = [{ type: 'expire', everySeconds }]
  const body = JSON.stringify({ orgID: first['id'], name: database, retentionRules })
  try {
    await influx.request('/api/v2/buckets', 'POST', body)
  } catch (error) {
    // 422: another process was faster. If it is still missing, the first write fails.
    if (!(error instanceof Refusal)) throw error
  }
}

async function optional(influx: Influx, path: string): Promise<unknown> {
  try {
    return JSON.parse(await influx.request(path, 'GET'))
  } catch (error) {
    // 404, or a token that may write and not list: the first write shows whether that is enough.
    if (error instanceof SyntaxError) return null
    if (error instanceof PlatformError && error.code === 'CONFIG_INVALID') return null
    throw error
  }
}

function listOf(response: unknown, name: string): Readonly<Record<string, unknown>>[] {
  if (typeof response !== 'object' || response === null || !(name in response)) return []
  const list: unknown = response[name as keyof typeof response]
  // Buckets and organisations are objects.
  return Array.isArray(list) ? (list as Readonly<Record<string, unknown>>[]) : []
}

/** The newest ones: another program may have written one of them. */
const PROGRESS_ROWS = 10

/** How far figures go by what InfluxDB itself holds; null where it knows nothing of this journal. */
export async function readProgress(influx: Influx, journal: string): Promise<number | null> {
  const series = await influx.query(
    `SELECT "position" FROM ${identifier(PROGRESS)}
       WHERE "node" = ${literal(nodeOf(journal))} AND "journal" = ${literal(journal)}
       ORDER BY time DESC LIMIT ${PROGRESS_ROWS}`,
  )
  const rows = rowsOf(series)
  return (
    ownRows(influx, { measurement: PROGRESS, rows }, (row) => numberIn(row, 'position'))[0] ?? null
  )
}

/** The same where the database may not be there yet: 3.x makes it when it is written to. */
export async function readFirstProgress(influx: Influx, journal: string): Promise<number | null> {
  try {
    return await readProgress(influx, journal)
  } catch (error) {
    if (!isMissing(error)) throw error
    await influx.makeDatabase()
    return null
  }
}
