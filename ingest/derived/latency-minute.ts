import { tenantOf } from '#lib/telemetry/ids.ts'
import { columnsIn } from '#lib/queries/columns.ts'
import { latencyRow, withoutPercentiles, type LatencyRow } from '#lib/queries/latency.ts'
import type { Grouping } from '#lib/telemetry/grouping.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { STAGES, type Stage } from '#lib/telemetry/stage.ts'
import { ALL } from '#lib/telemetry/scope.ts'
import type { Point } from '#lib/store/influx/write/line.ts'
import { ALL_KEY, NO_KEY, OTHER_KEY } from './key-names.ts'
import { STEP_NS, type Context, type DerivedSeries } from './series.ts'

/** Latency per minute, as in `/kpi/latency?every=1m` for the same group. */
export const latencyMinute: DerivedSeries = {
  measurement: 'latency_minute',
  keep: 'minute',
  recompute: { step: 'minute', points: latencyPoints },
}

/** Each has its rows per tenant and over all tenants. */
const GROUPS = ['device', 'kind', 'rat', 'cell', 'operator', 'band'] as const

/** The stages of readings: those of the platform belong to no group. */
const READING_STAGES: readonly Stage[] = ['age', 'uplink', 'rtt']

/** One row under the names it has in InfluxDB. */
interface Named {
  readonly tenant: string
  readonly by: Grouping | 'all'
  readonly key: string
  readonly row: LatencyRow
}

async function latencyPoints(span: Span, context: Context): Promise<readonly Point[]> {
  const all = await latencyOf(context, span, [], STAGES)
  const named: Named[] = all.map((row) => ({ tenant: ALL_KEY, by: 'all', key: ALL_KEY, row }))
  if (!all.some(({ stage }) => READING_STAGES.includes(stage))) return pointsOf(named, context)
  const tenants: Named[] = []
  for (const row of await latencyOf(context, span, ['tenant'])) {
    const key = keyOf(row, 'tenant')
    named.push({ tenant: key, by: 'all', key: ALL_KEY, row })
    tenants.push(...[key, ALL_KEY].map((tenant) => ({ tenant, by: 'tenant' as const, key, row })))
  }
  const points = [...pointsOf(named, context), ...pointsOf(tenants, context)]
  for (const by of GROUPS) {
    for (const point of pointsOf(await groupRows(span, context, by), context)) points.push(point)
  }
  return points
}

/**
 * Rows of one grouping, per tenant and over all. Percentiles of tenants cannot be put together, so
 * the second takes a query of its own where a key belongs to several of them.
 */
async function groupRows(
  span: Span,
  context: Context,
  by: (typeof GROUPS)[number],
): Promise<Named[]> {
  if (by === 'device') {
    return (await latencyOf(context, span, [by])).flatMap((row) => {
      const key = keyOf(row, by)
      return [tenantOf(key), ALL_KEY].map((tenant) => ({ tenant, by, key, row }))
    })
  }
  const rows = await latencyOf(context, span, ['tenant', by])
  const owners = new Map<string, Set<string>>()
  for (const row of rows) {
    const key = keyOf(row, by)
    owners.set(key, (owners.get(key) ?? new Set()).add(keyOf(row, 'tenant')))
  }
  const isShared = (row: LatencyRow) => (owners.get(keyOf(row, by))?.size ?? 0) > 1
  const shared = rows.some(isShared) ? (await latencyOf(context, span, [by])).filter(isShared) : []
  const own = rows.filter((row) => !isShared(row))
  return [
    ...rows.map((row) => ({ tenant: keyOf(row, 'tenant'), by, key: keyOf(row, by), row })),
    ...[...own, ...shared].map((row) => ({ tenant: ALL_KEY, by, key: keyOf(row, by), row })),
  ]
}

function latencyOf(
  context: Context,
  { fromNs, toNs }: Span,
  by: readonly Grouping[],
  stages: readonly Stage[] = READING_STAGES,
): Promise<readonly LatencyRow[]> {
  return context
    .rows('latency', { scope: ALL, by, stages, everyNs: STEP_NS.minute, fromNs, toNs })
    .then((rows) => rows.filter(isKnown))
}

/** One-way delay is unknown where no clock offset was measured: no point, as the API shows null. */
function isKnown({ stage, clockBoundMs }: LatencyRow): boolean {
  return stage !== 'uplink' || clockBoundMs !== null
}

function keyOf({ group }: LatencyRow, by: Grouping): string {
  return group[by] ?? NO_KEY
}

/** Points of one grouping. Rows beyond its budget share one; keys with most values come first. */
function pointsOf(
  named: readonly Named[],
  { keys, ownTags }: Pick<Context, 'keys' | 'ownTags'>,
): readonly Point[] {
  const [first] = named
  if (!first || first.by === 'all' || !keys.isBudgeted(first.by)) {
    return named.map((one) => pointOf(one, ownTags))
  }
  const sizes = new Map<string, number>()
  for (const { key, row } of named) sizes.set(key, (sizes.get(key) ?? 0) + row.n)
  const sizeOf = ({ key }: Named) => sizes.get(key) ?? 0
  const others = new Map<string, Named>()
  const points: Point[] = []
  for (const one of named.toSorted((a, b) => sizeOf(b) - sizeOf(a))) {
    const { tenant, by, row } = one
    const key = keys.admit(first.by, one.key)
    if (key !== OTHER_KEY) {
      points.push(pointOf(one, ownTags))
      continue
    }
    const groupKey = `${tenant} ${row.stage} ${row.time}`
    const other = others.get(groupKey)?.row
    others.set(groupKey, {
      tenant,
      by,
      key,
      row: other ? together(other, row) : withoutPercentiles(row),
    })
  }
  return [...points, ...[...others.values()].map((one) => pointOf(one, ownTags))]
}

/**
 * Counts and largest values can be merged, percentiles cannot. A row that may be merged has none from
 * the first on: InfluxDB would keep them when another row joins.
 */
function together(a: LatencyRow, b: LatencyRow): LatencyRow {
  return {
    ...a,
    n: a.n + b.n,
    negative: a.negative + b.negative,
    late: a.late + b.late,
    maxMs: larger(a.maxMs, b.maxMs),
    clockBoundMs: larger(a.clockBoundMs, b.clockBoundMs),
  }
}

function larger(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b)
}

function pointOf({ tenant, by, key, row }: Named, ownTags: Context['ownTags']): Point {
  const { stage, time, n, negative } = row
  const fields: Record<string, number | bigint> = { n: BigInt(n), negative: BigInt(negative) }
  for (const name of VALUES) {
    const value = row[name]
    if (typeof value === 'number') fields[name] = value
  }
  const tags = { tenant, by, key, stage }
  return {
    measurement: latencyMinute.measurement,
    // The stages of the platform are those of one intake.
    tags: READING_STAGES.includes(stage) ? tags : { ...tags, ...ownTags },
    fields,
    // The query has intervals.
    timeNs: time ?? 0n,
  }
}

/** The columns in ms: percentiles, the largest value, the bound of the clock. */
const VALUES = columnsIn(latencyRow, 'ms')
