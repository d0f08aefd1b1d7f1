import type { LatencyScan, LatencyRow } from '../../scans.ts'
import type { Stage } from '#lib/telemetry/stage.ts'
import type { Buckets } from '../../options.ts'
import { freshFigures, piecesOf, stageFigures } from '../figures/figure-source.ts'
import {
  FIGURE_STAGES,
  addStage,
  addValue,
  larger,
  noStage,
  stageMs,
  type StageSum,
} from '../figures/figure-sums.ts'
import { createGroups } from './groups.ts'
import { kindsIn } from '../client/influxql.ts'
import { eachRow } from './raw-rows.ts'
import { readingsWithinSpan, type ScanContext } from './view.ts'

/**
 * Up to this many raw rows in the span percentiles are exact; beyond, of buckets. InfluxDB takes some
 * 30 us for each (1.6, one core), so this is a second or two.
 */
const EXACT_ROWS = 50_000
const PERCENTILES = [50, 95, 99] as const

type Wanted = LatencyScan & { readonly stages: readonly Stage[] }

/** Latency per group and interval; a row for each that has a value. */
export async function scanLatency(context: ScanContext, query: LatencyScan): Promise<LatencyRow[]> {
  const stages = FIGURE_STAGES.filter((stage) => query.stages.includes(stage))
  if (stages.length === 0 || kindsIn(query.scope).length === 0) return []
  const wanted = { ...query, stages }
  return isExact(context, query) ? exact(context, wanted) : ofBuckets(context, wanted)
}

/** Whether all raw rows of the span are there, and few enough. */
function isExact({ view }: ScanContext, query: LatencyScan): boolean {
  if (query.fromNs <= view.droppedNs) return false
  return readingsWithinSpan(view, kindsIn(query.scope), query) <= EXACT_ROWS
}

interface Values {
  readonly ms: number[]
  boundMs: number | null
}

async function exact(context: ScanContext, query: Wanted): Promise<LatencyRow[]> {
  const groups = createGroups<Values>(query, () => ({ ms: [], boundMs: null }))
  for await (const row of eachRow(context, query.scope, [query])) {
    for (const stage of query.stages) {
      const ms = stageMs(row, stage)
      if (ms === null) continue
      const values = groups.at(row.keys, row.timeNs, stage)
      values.ms.push(ms)
      if (stage === 'uplink') values.boundMs = larger(values.boundMs, row.clockBoundMs)
    }
  }
  return groups.list().flatMap(({ group, timeNs, stage, sum }) => {
    if (!stage) return []
    const sorted = Float64Array.from(sum.ms).toSorted()
    const [p50Ms, p95Ms, p99Ms] = PERCENTILES.map((p) => percentileOf(sorted, p))
    return {
      group,
      timeNs,
      stage,
      n: sorted.length,
      p50Ms: p50Ms ?? null,
      p95Ms: p95Ms ?? null,
      p99Ms: p99Ms ?? null,
      maxMs: sorted.at(-1) ?? null,
      clockBoundMs: sum.boundMs,
      negative: sorted.reduce((n, ms) => (ms < 0 ? n + 1 : n), 0),
      method: 'exact' as const,
      relError: 0,
    }
  })
}

/** Percentile of type 7: between the two values around its rank. */
function percentileOf(sorted: Float64Array, p: number): number | null {
  const { below, above, weight } = ranksOf(sorted.length, p)
  const [low, high] = [sorted[below], sorted[above]]
  if (low === undefined || high === undefined) return null
  return low + (high - low) * weight
}

function ranksOf(n: number, p: number) {
  const rank = ((n - 1) * p) / 100
  const below = Math.floor(rank)
  return { below, above: Math.min(below + 1, n - 1), weight: rank - below }
}

async function ofBuckets(context: ScanContext, query: Wanted): Promise<LatencyRow[]> {
  const { buckets, view } = context
  const pieces = piecesOf(view, query)
  const groups = createGroups<StageSum>(query, noStage)
  for (const { timeNs, keys, stages } of freshFigures(context, query, pieces.fresh)) {
    for (const stage of query.stages) {
      const sum = stages.get(stage)
      if (sum) addStage(groups.at(keys, timeNs, stage), sum)
    }
  }
  for await (const { timeNs, keys, stage, sum } of stageFigures(context, query, pieces)) {
    const known = query.stages.find((one) => one === stage)
    if (known) addStage(groups.at(keys, timeNs, known), sum)
  }
  for await (const row of eachRow(context, query.scope, pieces.raw)) {
    for (const stage of query.stages) {
      const ms = stageMs(row, stage)
      if (ms === null) continue
      const boundMs = stage === 'uplink' ? row.clockBoundMs : null
      addValue(groups.at(row.keys, row.timeNs, stage), ms, boundMs, buckets.bucketOf(ms))
    }
  }
  return groups.list().flatMap(({ stage, sum, ...place }) => {
    if (!stage) return []
    const [p50Ms, p95Ms, p99Ms] = percentilesOf(sum, buckets)
    return {
      ...place,
      stage,
      n: sum.n,
      p50Ms: p50Ms ?? null,
      p95Ms: p95Ms ?? null,
      p99Ms: p99Ms ?? null,
      maxMs: sum.maxMs,
      clockBoundMs: sum.boundMs,
      negative: sum.negative,
      method: 'histogram' as const,
      relError: buckets.BUCKET_RELATIVE_ERROR,
    }
  })
}

/** Percentiles over the middles of the buckets; two of them around each rank. */
function percentilesOf({ buckets: counts }: StageSum, buckets: Buckets): number[] {
  const sorted = [...counts].toSorted(([a], [b]) => a - b)
  const n = sorted.reduce((sum, [, count]) => sum + count, 0)
  const at = (rank: number) => {
    let seen = 0
    const found = sorted.find(([, count]) => (seen += count) > rank)
    return buckets.bucketMidMs(found?.[0] ?? 0)
  }
  return PERCENTILES.map((p) => {
    const { below, above, weight } = ranksOf(n, p)
    const low = at(below)
    return low + (at(above) - low) * weight
  })
}
