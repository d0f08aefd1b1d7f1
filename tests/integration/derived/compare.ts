import { expect } from 'vitest'
import { HEAT_BOUNDARIES, HEAT_PLACES, HEAT_SERIES_KEYS } from '#lib/telemetry/heat.ts'
import { STAGES } from '#lib/telemetry/stage.ts'
import type { Grouping } from '#lib/telemetry/grouping.ts'
import type { LatencyRow } from '#lib/queries/latency.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { ALL } from '#lib/telemetry/scope.ts'
import { queryRows } from '../../support/query-rows.ts'
import type { Role, Testbed } from './derived-support.ts'

type Row = Readonly<Record<string, string | number | boolean | null | undefined>>

/** Where a series is compared with the rows of the API's own query. */
export interface Place {
  readonly bed: Testbed
  readonly role: Role
  readonly span: Span
}

export const GROUPS = [
  'all',
  'tenant',
  'device',
  'kind',
  'rat',
  'cell',
  'operator',
  'band',
] as const

/** Every minute, stage and key of a grouping, as `/kpi/latency?every=1m` has them. Returns how many. */
export async function compareLatency(
  { bed, role, span }: Place,
  tenant: string,
  by: (typeof GROUPS)[number],
): Promise<number> {
  const answer = await queryRows(role.ingest.port, 'latency', {
    scope: scopeOf(tenant),
    by: by === 'all' ? [] : [by],
    stages: STAGES,
    everyNs: 60_000_000_000n,
    ...span,
  })
  const found = await bed.rows(
    `SELECT * FROM latency_minute WHERE "tenant" = '${tenant}' AND "by" = '${by}' AND ${within(span)}`,
  )
  // The platform's own stages belong to no group.
  const shown = answer.filter(
    ({ stage, clockBoundMs }) =>
      (by === 'all' || !['durable', 'stored'].includes(stage)) &&
      // Unknown uplinks have no point.
      (stage !== 'uplink' || clockBoundMs !== null),
  )
  const wanted = shown.map((row) => latencyPoint(row, tenant, by))
  expectSame(found, wanted)
  return wanted.length
}

function latencyPoint(row: LatencyRow, tenant: string, by: Grouping | 'all'): Row {
  const { stage, n, negative, p50Ms, p95Ms, p99Ms, maxMs, clockBoundMs } = row
  const key = by === 'all' ? '_all' : (row.group[by] ?? '_none')
  const figures = { n, negative, p50Ms, p95Ms, p99Ms, maxMs, clockBoundMs }
  return { time: String(row.time), tenant, by, key, stage, ...figures }
}

/** Every minute and device, as `/kpi/throughput?by=device&every=1m` has them. */
export async function compareTraffic({ bed, role, span }: Place, tenant: string): Promise<number> {
  const answer = await queryRows(role.ingest.port, 'throughput', {
    scope: scopeOf(tenant),
    by: ['device'],
    everyNs: 60_000_000_000n,
    ...span,
  })
  const found = await bed.rows(
    'SELECT "messages", "readings", "bytes", "device", "tenant" FROM delivery_minute ' +
      `WHERE "tenant" = '${tenant}' AND ${within(span)} AND "readings" > 0`,
  )
  const wanted = answer.map(({ group, time, messages, readings, bytes }) => ({
    time: String(time),
    tenant,
    device: group.device,
    messages,
    readings,
    bytes,
  }))
  expectSame(found, wanted)
  return wanted.length
}

/** Every hour, boundary and key, as `/heat/recovered?every=1h` has them. */
export async function compareHeat({ bed, role, span }: Place, tenant: string): Promise<number> {
  let count = 0
  for (const by of ['all', ...HEAT_PLACES] as const) {
    const key = by === 'all' ? by : HEAT_SERIES_KEYS[by]
    const answer = await queryRows(role.ingest.port, 'recoveredHeat', {
      scope: scopeOf(tenant),
      boundaries: HEAT_BOUNDARIES,
      by: by === 'all' ? [] : [by],
      every: '1h',
      ...span,
    })
    const where = `"tenant" = '${tenant}' AND "by" = '${key}' AND ${within(span)}`
    const found = await bed.rows(`SELECT * FROM heat_hourly WHERE ${where}`)
    const wanted = answer.map((row) => ({
      time: String(row.time),
      tenant,
      boundary: row.boundary,
      by: key,
      key: by === 'all' ? '_all' : (row.group[by] ?? '_none'),
      energyKwh: row.energyKwh,
      known: row.energyKwh === null ? 0 : 1,
      coverage: row.coverage,
      ...row.intervals,
    }))
    // Points of groups that are no more say so.
    const keys = new Set(wanted.map(keyOf))
    const gone = found.filter((row) => !keys.has(keyOf(row)))
    expect(gone.filter(({ known, energyKwh, coverage }) => known || energyKwh || coverage)).toEqual(
      [],
    )
    const current = found.filter((row) => keys.has(keyOf(row)))
    expectSame(
      // Where a value was taken back a 0 stands, and `known` says that it is none.
      current.map((row) => (row['known'] === 0 ? { ...row, energyKwh: null } : row)),
      wanted,
    )
    count += wanted.length
  }
  return count
}

function scopeOf(tenant: string) {
  return tenant === '_all' ? ALL : { ...ALL, tenants: [tenant] }
}

function within({ fromNs, toNs }: Span): string {
  return `time >= ${fromNs} AND time < ${toNs}`
}

function expectSame(found: readonly Row[], wanted: readonly Row[]): void {
  expect(found.map(withoutNulls).toSorted(byKey)).toEqual(wanted.map(withoutNulls).toSorted(byKey))
}

function withoutNulls(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).filter(([, value]) => value !== null && value !== undefined),
  )
}

function byKey(a: Row, b: Row): number {
  return keyOf(a) < keyOf(b) ? -1 : 1
}

function keyOf(row: Row): string {
  return ['time', 'boundary', 'key', 'device', 'stage']
    .map((name) => String(row[name] ?? ''))
    .join(' ')
}
