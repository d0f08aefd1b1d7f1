import { z } from 'zod'
import { percentileOfBuckets } from '#lib/kpi/buckets.ts'
import { KPIS } from '#lib/kpi/catalogue.ts'
import { latencyRows, type LatencyRow as Latency } from '#lib/kpi/network/latency.ts'
import type { LatencyScan } from '#lib/store/scans.ts'
import { MINUTE_NS } from '#lib/telemetry/time-grid.ts'
import { STAGES } from '#lib/telemetry/stage.ts'
import { perInterval, type Calendar } from './calendar-scans.ts'
import { count, measure, optionalMeasure, unitsOfRow } from './columns.ts'
import {
  figureColumns,
  figureDeclaration,
  figureKey,
  figureParameters,
  figureQuery,
  figureSeries,
  placed,
} from './figure.ts'
import { PLATFORM_STAGES, type StageBucket } from './intake-state.ts'
import { percentilesParameter, wordsParameter } from './parameters.ts'
import { defineQuery, type QueryContext, type QueryResult } from './query.ts'

/** Of `late` where delays are shown. */
export const LATE_VALUES =
  'Values of late readings among them: a round trip, by the clock of the probe, counts whenever it ' +
  'arrives; a late age or uplink does not.'

const stageSentences = STAGES.map((stage) => `${stage}: ${KPIS[stage].description}`).join(' ')

export const latencyRow = z.object({
  ...figureColumns,
  stage: z.enum(STAGES).describe(stageSentences),
  n: count('Values behind the row.'),
  p50Ms: optionalMeasure('ms'),
  p95Ms: optionalMeasure('ms'),
  p99Ms: optionalMeasure('ms'),
  maxMs: optionalMeasure('ms'),
  clockBoundMs: optionalMeasure('ms', 'True within this; null where no clock is involved.'),
  negative: count('Values below zero: a clock is wrong.'),
  method: z.enum(['exact', 'histogram']),
  relError: measure('1', 'Largest relative error of the percentiles.'),
  late: count(LATE_VALUES),
})

export type LatencyRow = z.output<typeof latencyRow>

/** Further percentiles are columns too; TypeScript has no type for these beside the others. */
const latencyRowAndMore: z.ZodType<LatencyRow> = latencyRow.catchall(optionalMeasure('ms'))

interface LatencyQuery extends LatencyScan, Calendar {
  /** Wanted beside those that every row has. */
  readonly percentiles?: readonly number[]
}

/** The percentiles of a row. */
const PERCENTILES: readonly number[] = [50, 95, 99]

function columnOf(percentile: number): string {
  return `p${percentile}Ms`
}

function percentilesOf({ percentiles = [] }: LatencyQuery): readonly number[] {
  return [...PERCENTILES, ...percentiles]
}

export const latency = defineQuery({
  ...figureDeclaration,
  path: '/kpi/latency',
  summary: 'Latency by stage: percentiles, with the error of the clocks',
  parameters: {
    ...figureParameters,
    ...percentilesParameter,
    stage: wordsParameter(STAGES, 'Only these stages'),
  },
  row: latencyRowAndMore,
  sources: ['store', 'state'],
  toQuery: (given, request): LatencyQuery => ({
    ...figureQuery(given, request),
    stages: given.stage ?? STAGES,
    percentiles: (given.percentiles ?? []).filter((p) => !PERCENTILES.includes(p)),
  }),
  key: (one) => figureKey(one, String(STAGES.indexOf(one.stage))),
  units: ({ percentiles = [] }) => {
    const more = percentiles.map((p) => [columnOf(p), 'ms'])
    return { ...unitsOfRow(latencyRow), ...Object.fromEntries(more) }
  },
  series: figureSeries<LatencyRow>(
    'percentiles per group, stage and interval; never of percentiles',
  ),
  async answer(context, query) {
    const { state } = context
    const rows = await perInterval(query, async (scan) => {
      const measured = (await measuredRows(context, scan)).map((one) => rowOf(one, scan))
      const own = seesPlatform(scan) ? platformRows(state.stageBuckets(scan), scan) : []
      const all = [...measured, ...own]
      return scan.stages.includes('uplink') ? withUnknownUplink(all) : all
    })
    return { rows }
  },
  split(query) {
    const { own = [], measured = [] } = Object.groupBy(query.stages, (stage) =>
      PLATFORM_STAGES.has(stage) ? 'own' : 'measured',
    )
    return {
      store: measured.length === 0 ? null : { ...query, stages: measured },
      state: own.length === 0 ? null : { ...query, stages: own },
    }
  },
  merge: mergeLatency,
})

function rowOf({ percentilesMs, ...latency }: Latency, query: LatencyQuery): LatencyRow {
  const { by, percentiles = [] } = query
  const { n, maxMs, stage, clockBoundMs, negative, method, relError, late, ...at } = placed(
    latency,
    by,
  )
  const [p50Ms = null, p95Ms = null, p99Ms = null] = percentilesMs
  const figures = { n, p50Ms, p95Ms, p99Ms, maxMs, clockBoundMs, negative }
  const more = percentiles.map((p, nth) => {
    return [columnOf(p), percentilesMs[PERCENTILES.length + nth] ?? null] as const
  })
  return { ...at, stage, ...figures, ...Object.fromEntries(more), method, relError, late }
}

/** Exact where the store can give them, else of buckets. */
async function measuredRows({ store, exact, signal }: QueryContext, query: LatencyQuery) {
  const percentiles = percentilesOf(query)
  const scan = { ...query, percentiles }
  const rows = await exact?.exactLatency(scan, signal)
  return rows ?? latencyRows(await store.latencyBuckets(scan, signal), percentiles)
}

/** The platform's own stages belong to nobody's devices: only an unlimited scope sees them. */
function seesPlatform({ scope }: LatencyScan): boolean {
  return scope.tenants === null && scope.devices === null
}

/** `durable` and `stored`: of the whole platform, so never grouped by device. */
function platformRows(counts: readonly StageBucket[], query: LatencyQuery): LatencyRow[] {
  const { everyNs, stages } = query
  const wanted = stages.filter((stage) => PLATFORM_STAGES.has(stage))
  const histograms = wanted.flatMap((stage) => {
    const own = counts.filter((count) => count.stage === stage)
    const intervals = Map.groupBy(own, ({ minute }) => intervalOf(minute, everyNs))
    return [...intervals].map(([timeNs, buckets]) => {
      const maxMs = percentileOfBuckets(buckets, 100)
      return { group: {}, timeNs, stage, buckets, maxMs, clockBoundMs: null, negative: 0, late: 0 }
    })
  })
  return latencyRows(histograms, percentilesOf(query)).map((one) => rowOf(one, query))
}

function intervalOf(minute: number, everyNs: bigint | null): bigint | null {
  if (everyNs === null) return null
  const atNs = BigInt(minute) * MINUTE_NS
  return atNs - (atNs % everyNs)
}

/**
 * Where a device's own clock was all there was, the one-way delay is shown as unknown beside the
 * age, so that nobody takes the one for the other.
 */
function withUnknownUplink(rows: readonly LatencyRow[]): readonly LatencyRow[] {
  const known = rows.map((one) =>
    one.stage === 'uplink' && one.clockBoundMs === null ? unknownUplink(one) : one,
  )
  const has = new Set(rows.filter(({ stage }) => stage === 'uplink').map((one) => figureKey(one)))
  const ages = rows.filter((one) => one.stage === 'age' && !has.has(figureKey(one)))
  return [...known, ...ages.map(unknownUplink)]
}

function unknownUplink(row: LatencyRow): LatencyRow {
  const nothing = { n: 0, maxMs: null, clockBoundMs: null, negative: 0, late: 0 }
  return { ...withoutPercentiles(row), stage: 'uplink', ...nothing }
}

export function withoutPercentiles(row: LatencyRow): LatencyRow {
  const names = Object.keys(row).filter((name) => /^p[\d.]+Ms$/.test(name))
  return { ...row, ...Object.fromEntries(names.map((name) => [name, null])) }
}

/**
 * Counts and maxima of several intakes. Percentiles cannot be made of percentiles: they are null
 * where more than one intake has values; each intake's own are at its own address.
 */
function mergeLatency(results: readonly QueryResult<LatencyRow>[]): QueryResult<LatencyRow> {
  const rows = new Map<string, LatencyRow>()
  for (const one of results.flatMap((result) => result.rows)) {
    const key = `${one.stage} ${figureKey(one)}`
    const known = rows.get(key)
    rows.set(key, known ? both(known, one) : one)
  }
  return { rows: [...rows.values()] }
}

function both(a: LatencyRow, b: LatencyRow): LatencyRow {
  if (a.n === 0 || b.n === 0) return a.n === 0 ? b : a
  return {
    ...withoutPercentiles(a),
    n: a.n + b.n,
    maxMs: larger(a.maxMs, b.maxMs),
    clockBoundMs: larger(a.clockBoundMs, b.clockBoundMs),
    negative: a.negative + b.negative,
    late: a.late + b.late,
  }
}

function larger(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b)
}
