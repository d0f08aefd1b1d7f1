import type { Device } from '#lib/registry/registry.ts'
import {
  HEAT_BOUNDARIES,
  HEAT_PLACES,
  HEAT_SERIES_KEYS,
  type HeatPlace,
} from '#lib/telemetry/heat.ts'
import { ALL, type Scope } from '#lib/telemetry/scope.ts'
import type { Span } from '#lib/telemetry/span.ts'
import type { RecoveredHeatRow } from '#lib/queries/recovered-heat.ts'
import type { Point } from '#lib/store/influx/write/line.ts'
import { ALL_KEY, NO_KEY } from './key-names.ts'
import { type Context, type DerivedSeries } from './series.ts'

/** Recovered heat per hour, as `/heat/recovered?every=1h` says it. */
export const heatHourly: DerivedSeries = {
  measurement: 'heat_hourly',
  keep: 'hour',
  recompute: { step: 'hour', points: heatPoints },
}

async function heatPoints(span: Span, context: Context): Promise<readonly Point[]> {
  const tenants = [
    ...new Set(
      context
        .devices()
        .filter(hasBoundary)
        .map(({ tenant }) => tenant),
    ),
  ]
  const points: Point[] = []
  for (const tenant of tenants) {
    const scope = { ...ALL, tenants: [tenant] }
    const names = tenants.length === 1 ? [tenant, ALL_KEY] : [tenant]
    points.push(...(await scopePoints(span, context, scope, names)))
  }
  if (tenants.length > 1) points.push(...(await scopePoints(span, context, ALL, [ALL_KEY])))
  return [...points, ...(await vanished(span, context, points))]
}

function hasBoundary({ settings }: Device): boolean {
  return HEAT_BOUNDARIES.some((boundary) => boundary === settings['role'])
}

async function scopePoints(
  { fromNs, toNs }: Span,
  { rows }: Context,
  scope: Scope,
  tenants: readonly string[],
): Promise<readonly Point[]> {
  const points: Point[] = []
  for (const by of ['all', ...HEAT_PLACES] as const) {
    const groups = by === 'all' ? [] : [by]
    const query = { scope, boundaries: HEAT_BOUNDARIES, by: groups, every: '1h', fromNs, toNs }
    const found = await rows('recoveredHeat', query)
    for (const tenant of tenants) {
      points.push(...found.map((row) => pointOf(row, { tenant, by })))
    }
  }
  return points
}

/** Counts of an hour without a group: of a point that no longer belongs to any meter. */
const NOTHING = { measured: 0n, bridged: 0n, missing: 0n, excluded: 0n }

function pointOf(
  { boundary, group, time, energyKwh, coverage, intervals }: RecoveredHeatRow,
  { tenant, by }: { readonly tenant: string; readonly by: HeatPlace | 'all' },
): Point {
  const key = by === 'all' ? ALL_KEY : (group[by] ?? NO_KEY)
  const counts = Object.entries(intervals).map(([name, n]) => [name, BigInt(n)])
  return {
    measurement: heatHourly.measurement,
    tags: { tenant, boundary, by: by === 'all' ? by : HEAT_SERIES_KEYS[by], key },
    fields: {
      ...NOTHING,
      ...Object.fromEntries(counts),
      coverage,
      known: energyKwh === null ? 0n : 1n,
      ...(energyKwh === null ? {} : { energyKwh }),
    },
    // The query has intervals.
    timeNs: time ?? 0n,
  }
}

/**
 * InfluxDB keeps a field that a later point leaves out, and a point whose group is no more. Where
 * an earlier value must not count any longer, it becomes 0 with `known` = 0: late data
 * moved the heat to another hour, or the meter belongs to another town now.
 */
async function vanished(
  { fromNs, toNs }: Span,
  { query }: Context,
  points: readonly Point[],
): Promise<readonly Point[]> {
  const { measurement } = heatHourly
  const found = await query(
    `SELECT "known", "coverage", "missing" FROM "${measurement}" ` +
      `WHERE time >= ${fromNs} AND time < ${toNs} GROUP BY *`,
  )
  const current = new Map(points.map((point) => [pointKey(point), point]))
  return found.flatMap(({ tags, values }) =>
    values.flatMap(([time, known, coverage, missing]) => {
      const timeNs = BigInt(String(time))
      const now = current.get(pointKey({ tags, timeNs }))
      const hasValue = known === 1
      if (now ? !hasValue || now.fields['known'] === 1n : !(hasValue || coverage || missing)) {
        return []
      }
      const energy = hasValue ? { energyKwh: 0 } : {}
      const fields = now?.fields ?? { ...NOTHING, coverage: 0, known: 0n }
      return { measurement, tags, fields: { ...fields, ...energy }, timeNs }
    }),
  )
}

function pointKey({ tags, timeNs }: Pick<Point, 'tags' | 'timeNs'>): string {
  return [timeNs, ...['tenant', 'boundary', 'by', 'key'].map((name) => tags[name] ?? '')].join(' ')
}
