import type { DatabaseSync } from 'node:sqlite'
import { percentileOfBuckets } from '#lib/kpi/buckets.ts'
import { latencyRows, type LatencyRow } from '#lib/kpi/network/latency.ts'
import type { LatencyQuery, Stage } from '#lib/telemetry/questions.ts'
import type { StageCount } from './stage-clock.ts'
import { MINUTE_NS } from '#lib/telemetry/time-grid.ts'

/** `durable` and `stored` of `/kpi/latency`: of the whole platform, so never grouped by device. */
export function stageLatency(
  db: DatabaseSync,
  unsaved: readonly StageCount[],
  { fromNs, toNs, everyNs, stages }: LatencyQuery,
): LatencyRow[] {
  const wanted = stages.filter((stage) => stage === 'durable' || stage === 'stored')
  if (wanted.length === 0) return []
  const from = Number(fromNs / MINUTE_NS)
  const to = Number((toNs + MINUTE_NS - 1n) / MINUTE_NS)
  const saved = db
    .prepare('SELECT minute, stage, bucket, n FROM stage_minutes WHERE minute >= ? AND minute < ?')
    .all(from, to)
    .map((row) => ({
      minute: Number(row['minute']),
      stage: String(row['stage']),
      bucket: Number(row['bucket']),
      n: Number(row['n']),
    }))
  const fresh = unsaved.filter(({ minute }) => minute >= from && minute < to)
  const groups = new Map<string, { stage: Stage; timeNs: bigint | null; rows: StageCount[] }>()
  for (const count of [...saved, ...fresh]) {
    const stage = wanted.find((name) => name === count.stage)
    if (!stage) continue
    const atNs = BigInt(count.minute) * MINUTE_NS
    const timeNs = everyNs === null ? null : atNs - (atNs % everyNs)
    const key = `${stage} ${timeNs ?? ''}`
    const group = groups.get(key) ?? { stage, timeNs, rows: [] }
    group.rows.push(count)
    groups.set(key, group)
  }
  const histograms = [...groups.values()].map(({ stage, timeNs, rows }) => ({
    group: {},
    timeNs,
    stage,
    buckets: rows,
    maxMs: percentileOfBuckets(rows, 100),
    clockBoundMs: null,
    negative: 0,
  }))
  return latencyRows(histograms)
}
