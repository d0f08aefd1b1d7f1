import { HEAT_PLACES, HEAT_SERIES_KEYS } from '#lib/telemetry/heat.ts'
import { expect } from 'vitest'
import type { DataSource, Row } from './data-source.ts'
import type { Span } from './interpolate.ts'
import { panelRows } from './panel-rows.ts'

/*
 * Compares the rows of a panel with the result of the same query of the API.
 */

export interface ApiRow {
  readonly group: Readonly<Record<string, string | null>>
  readonly time?: string
  readonly [field: string]: unknown
}

export interface Comparison {
  readonly source: DataSource
  /** All rows of a query, its path below /api/v1, for a role that may see the chosen tenant. */
  readonly api: (path: string) => Promise<readonly ApiRow[]>
  readonly span: Span
  /** Null is "All". */
  readonly tenant: string | null
}

const MINUTE_MS = 60_000
const PERCENTILES = { p50: 'p50Ms', p95: 'p95Ms', p99: 'p99Ms' } as const

interface LatencyPanel {
  readonly board: string
  readonly panel: number
  readonly by: string | null
  readonly stage: string
  readonly columns: readonly (keyof typeof PERCENTILES)[]
  readonly device?: string
}

/** Compares the percentiles of each minute and key. Returns the number of rows. */
export async function expectLatency(comparison: Comparison, panel: LatencyPanel): Promise<number> {
  const { by, stage, columns, device } = panel
  const chosen = { stage, ...(device === undefined ? {} : { device }) }
  const rows = await rowsOf(comparison, panel, chosen)
  const filter = device === undefined ? '' : `&device=${device}`
  const fromApi = await comparison.api(
    `/kpi/latency?every=1m&stage=${stage}${by === null ? '' : `&by=${by}`}${filter}&${between(comparison)}`,
  )
  const wanted = fromApi.map((row) => [
    keyOf(row, by, row.time),
    ...columns.map((name) => row[PERCENTILES[name]]),
  ])
  const found = rows.map((row) => [
    `${row.tags['key']} ${row.timeMs}`,
    ...columns.map((name) => row.values[name]),
  ])
  return expectSame(found, wanted)
}

/** Compares messages or bytes per second of each minute. */
export async function expectTraffic(
  comparison: Comparison,
  panel: { board: string; panel: number; by: 'device' | 'tenant'; field: 'messages' | 'bytes' },
): Promise<number> {
  const { by, field } = panel
  const rows = await rowsOf(comparison, panel)
  const fromApi = await comparison.api(`/kpi/throughput?every=1m&by=${by}&${between(comparison)}`)
  return expectSame(
    rows.map(({ tags, timeMs, values }) => [`${tags[by]} ${timeMs}`, values[`${field}/s`]]),
    fromApi.map((row) => [keyOf(row, by, row.time), row[`${field}PerS`]]),
  )
}

/** Compares the counters of each device. */
export async function expectCounters(comparison: Comparison): Promise<number> {
  const rows = await rowsOf(comparison, { board: 'padborg-delivery', panel: 21 })
  const fromApi = await comparison.api('/delivery')
  const names = Object.keys(fromApi[0] ?? {}).filter((name) => name !== 'device')
  const wanted = fromApi.map((row) => [String(row['device']), ...names.map((name) => row[name])])
  // Of several intakes the table adds up the rows of a device.
  const devices = Map.groupBy(rows, ({ tags }) => String(tags['device']))
  const found = [...devices].map(([device, itsRows]) => [
    device,
    ...names.map((name) =>
      itsRows.map(({ values }) => values[name]).reduce<number | null>(plus, null),
    ),
  ])
  for (const [, accepted, stored, rejected, duplicate, pending] of found) {
    expect(accepted).toBe([stored, rejected, duplicate, pending].reduce<number | null>(plus, null))
  }
  return expectSame(found, wanted)
}

function plus(sum: number | null, value: unknown): number | null {
  return typeof value === 'number' ? (sum ?? 0) + value : sum
}

interface HeatPanel {
  readonly board: string
  readonly panel: number
  readonly boundary: string
  readonly by: string | null
  readonly every: string | null
}

/** Compares energy where it is known, and coverage, per day or of the whole span. */
export async function expectHeat(
  comparison: Comparison,
  panel: HeatPanel & { readonly refId: string; readonly field: 'energyKwh' | 'coverage' },
): Promise<number> {
  const { boundary, by, every, field } = panel
  const rows = await rowsOf(comparison, panel)
  const grouping = [by === null ? '' : `by=${by}`, every === null ? '' : `every=${every}`]
  const parameters = [`boundary=${boundary}`, ...grouping, between(comparison)].filter(
    (part) => part !== '',
  )
  const fromApi = await comparison.api(`/heat/recovered?${parameters.join('&')}`)
  const wanted = fromApi
    .filter((row) => row['boundary'] === boundary && row[field] !== null)
    .map((row) => [keyOf(row, by, every === null ? undefined : row.time), row[field]])
  const found = rows.map(({ tags, timeMs, values }) => [
    `${tags['key'] ?? '_all'} ${every === null ? '' : timeMs}`,
    Object.values(values)[0],
  ])
  return expectSame(found, wanted)
}

/** Compares sums of calendar months, which the table of months adds up in the browser. */
export async function expectMonths(
  comparison: Comparison,
  { panel, boundary, by }: Pick<HeatPanel, 'panel' | 'boundary'> & { readonly by: string },
): Promise<number> {
  const rows = await rowsOf(comparison, { board: 'padborg-heat', panel })
  const months = new Map<string, number>()
  for (const { tags, timeMs, values } of rows) {
    const month = monthOf(timeMs ?? 0)
    const key = `${tags['key']} ${month.epochMilliseconds}`
    months.set(key, (months.get(key) ?? 0) + Number(values['energyKwh']))
  }
  const fromApi = await comparison.api(
    `/heat/recovered?boundary=${boundary}&by=${by}&every=P1M&${between(comparison)}`,
  )
  return expectSame(
    [...months],
    fromApi
      .filter(({ energyKwh }) => energyKwh !== null)
      .map((row) => [
        `${row.group[placeOf(by)]} ${monthOf(Date.parse(row.time ?? '')).epochMilliseconds}`,
        row['energyKwh'],
      ]),
  )
}

function monthOf(timeMs: number): Temporal.ZonedDateTime {
  const time = Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO(ZONE)
  return time.with({ day: 1 }).startOfDay()
}

const ZONE = 'Europe/Copenhagen'

function rowsOf(
  { source, span, tenant }: Comparison,
  panel: { readonly board: string; readonly panel: number; readonly refId?: string },
  chosen: Readonly<Record<string, string>> = {},
): Promise<readonly Row[]> {
  const ofTenant: Readonly<Record<string, readonly string[]>> =
    tenant === null ? {} : { tenant: [tenant] }
  return panelRows(source, panel, {
    span,
    chosen: { ...ofTenant, ...chosen },
    intervalMs: MINUTE_MS,
  })
}

/** The end of a span is inclusive in Grafana and exclusive in the API. */
function between({ span }: Comparison): string {
  const iso = (ms: number) => encodeURIComponent(new Date(ms).toISOString())
  return `from=${iso(span.fromMs)}&to=${iso(span.toMs + 1)}&limit=10000`
}

/** The series in InfluxDB have other names for two of the places. */
function placeOf(seriesKey: string): string {
  return HEAT_PLACES.find((place) => HEAT_SERIES_KEYS[place] === seriesKey) ?? seriesKey
}

function keyOf({ group }: ApiRow, by: string | null, time: string | undefined): string {
  const key = by === null ? '_all' : (group[placeOf(by)] ?? '_none')
  return `${key} ${time === undefined ? '' : Date.parse(time)}`
}

type Cells = readonly unknown[]

/** The same rows with the same figures, to ten digits. */
function expectSame(found: readonly Cells[], wanted: readonly Cells[]): number {
  const inOrder = (rows: readonly Cells[]) =>
    rows.toSorted(([a], [b]) => String(a).localeCompare(String(b))).map((row) => row.map(rounded))
  expect(inOrder(found)).toEqual(inOrder(wanted))
  return found.length
}

function rounded(value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(10)) : (value ?? null)
}
