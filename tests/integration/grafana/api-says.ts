import { expect } from 'vitest'
import type { DataSource, Row } from './grafana-server.ts'
import type { Span } from './interpolate.ts'
import { MINUTE_MS } from './meaning.ts'
import { show } from './viewer.ts'

/*
 * A board shows what the API says: the rows of a panel beside the answer to the same question.
 */

export interface ApiRow {
  readonly group: Readonly<Record<string, string | null>>
  readonly time?: string
  readonly [field: string]: unknown
}

export interface Place {
  readonly source: DataSource
  /** All rows of an address below /api/v1, seen by somebody who may see what is chosen. */
  readonly api: (path: string) => Promise<readonly ApiRow[]>
  readonly span: Span
  /** Null is "All". */
  readonly tenant: string | null
}

const PERCENTILES = { p50: 'p50Ms', p95: 'p95Ms', p99: 'p99Ms' } as const

interface LatencyPanel {
  readonly board: string
  readonly panel: number
  readonly by: string | null
  readonly stage: string
  readonly columns: readonly (keyof typeof PERCENTILES)[]
  readonly device?: string
}

/** Percentiles of each minute and key. Answers how many rows there were. */
export async function expectLatency(place: Place, panel: LatencyPanel): Promise<number> {
  const { by, stage, columns, device } = panel
  const chosen = { stage, ...(device === undefined ? {} : { device }) }
  const rows = await shown(place, panel, chosen)
  const filter = device === undefined ? '' : `&device=${device}`
  const said = await place.api(
    `/kpi/latency?every=1m&stage=${stage}${by === null ? '' : `&by=${by}`}${filter}&${between(place)}`,
  )
  const wanted = said.map((row) => [
    keyOf(row, by, row.time),
    ...columns.map((name) => row[PERCENTILES[name]]),
  ])
  const found = rows.map((row) => [
    `${row.tags['key']} ${row.timeMs}`,
    ...columns.map((name) => row.values[name]),
  ])
  return expectSame(found, wanted)
}

/** Messages or bytes per second of each minute. */
export async function expectTraffic(
  place: Place,
  panel: { board: string; panel: number; by: 'device' | 'tenant'; field: 'messages' | 'bytes' },
): Promise<number> {
  const { by, field } = panel
  const rows = await shown(place, panel)
  const said = await place.api(`/kpi/throughput?every=1m&by=${by}&${between(place)}`)
  return expectSame(
    rows.map(({ tags, timeMs, values }) => [`${tags[by]} ${timeMs}`, values[`${field}/s`]]),
    said.map((row) => [keyOf(row, by, row.time), row[`${field}PerS`]]),
  )
}

/** The counters of each device. */
export async function expectCounters(place: Place): Promise<number> {
  const rows = await shown(place, { board: 'padborg-delivery', panel: 21 })
  const said = await place.api('/delivery')
  const wanted = said.map(({ device, ...counters }) => [
    String(device),
    ...COUNTERS.map((name) => counters[name]),
  ])
  // Of several intakes the table adds up the rows of a device.
  const devices = Map.groupBy(rows, ({ tags }) => String(tags['device']))
  const found = [...devices].map(([device, its]) => [
    device,
    ...COUNTERS.map((name) =>
      its.map(({ values }) => values[name]).reduce<number | null>(plus, null),
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

const COUNTERS = [
  'accepted',
  'stored',
  'rejected',
  'duplicate',
  'pending',
  'late',
  'partial',
  'lost',
  'commands',
] as const

interface HeatPanel {
  readonly board: string
  readonly panel: number
  readonly boundary: string
  readonly by: string | null
  readonly every: string | null
}

/** Energy where it is known, and coverage everywhere, per day or of the whole span. */
export async function expectHeat(
  place: Place,
  panel: HeatPanel & { readonly refId: string; readonly field: 'energyKwh' | 'coverage' },
): Promise<number> {
  const { boundary, by, every, field } = panel
  const rows = await shown(place, panel)
  const question = [by === null ? '' : `by=${by}`, every === null ? '' : `every=${every}`]
  const asked = [`boundary=${boundary}`, ...question, between(place)].filter((part) => part !== '')
  const said = await place.api(`/heat/recovered?${asked.join('&')}`)
  const wanted = said
    .filter((row) => row['boundary'] === boundary && row[field] !== null)
    .map((row) => [keyOf(row, by, every === null ? undefined : row.time), row[field]])
  const found = rows.map(({ tags, timeMs, values }) => [
    `${tags['key'] ?? '_all'} ${every === null ? '' : timeMs}`,
    Object.values(values)[0],
  ])
  return expectSame(found, wanted)
}

/** Days added up to calendar months, as the table of months does in the browser. */
export async function expectMonths(
  place: Place,
  { panel, boundary, by }: Pick<HeatPanel, 'panel' | 'boundary'> & { readonly by: string },
): Promise<number> {
  const rows = await shown(place, { board: 'padborg-heat', panel })
  const months = new Map<string, number>()
  for (const { tags, timeMs, values } of rows) {
    const month = monthOf(timeMs ?? 0)
    const key = `${tags['key']} ${month.epochMilliseconds}`
    months.set(key, (months.get(key) ?? 0) + Number(values['energyKwh']))
  }
  const said = await place.api(
    `/heat/recovered?boundary=${boundary}&by=${by}&every=P1M&${between(place)}`,
  )
  return expectSame(
    [...months],
    said
      .filter(({ energyKwh }) => energyKwh !== null)
      .map((row) => [
        `${row.group[by]} ${monthOf(Date.parse(row.time ?? '')).epochMilliseconds}`,
        row['energyKwh'],
      ]),
  )
}

function monthOf(timeMs: number): Temporal.ZonedDateTime {
  const time = Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO(ZONE)
  return time.with({ day: 1 }).startOfDay()
}

const ZONE = 'Europe/Copenhagen'

function shown(
  { source, span, tenant }: Place,
  panel: { readonly board: string; readonly panel: number; readonly refId?: string },
  chosen: Readonly<Record<string, string>> = {},
): Promise<readonly Row[]> {
  const ofTenant: Readonly<Record<string, readonly string[]>> =
    tenant === null ? {} : { tenant: [tenant] }
  return show(source, panel, { span, chosen: { ...ofTenant, ...chosen }, intervalMs: MINUTE_MS })
}

/** Grafana's spans end with their last millisecond, the API's before a time. */
function between({ span }: Place): string {
  const iso = (ms: number) => encodeURIComponent(new Date(ms).toISOString())
  return `from=${iso(span.fromMs)}&to=${iso(span.toMs + 1)}&limit=10000`
}

function keyOf({ group }: ApiRow, by: string | null, time: string | undefined): string {
  const key = by === null ? '_all' : (group[by] ?? '_none')
  return `${key} ${time === undefined ? '' : Date.parse(time)}`
}

type Cells = readonly unknown[]

/** The same rows with the same figures; a difference in the last digits of a sum is none. */
function expectSame(found: readonly Cells[], wanted: readonly Cells[]): number {
  const inOrder = (rows: readonly Cells[]) =>
    rows.toSorted(([a], [b]) => String(a).localeCompare(String(b))).map((row) => row.map(rounded))
  expect(inOrder(found)).toEqual(inOrder(wanted))
  return found.length
}

function rounded(value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(10)) : (value ?? null)
}
