import { bucketOf, percentileOfBuckets, BUCKET_RELATIVE_ERROR } from '#lib/kpi/buckets.ts'
import type { DatabaseSync } from 'node:sqlite'
import type { LatencyQuery, LatencyRow, Stage } from '#lib/telemetry/questions.ts'
import type { StageCount } from './ingest-db.ts'

const MINUTE_NS = 60_000_000_000n

/**
 * How long messages take through the platform itself: received to durable, received to stored. One
 * sparse histogram per minute and stage over all devices (a histogram per device would cost more
 * than it tells).
 */
export interface StageClock {
  add(stage: Stage, atNs: bigint, latencyMs: number): void
  /** Adds what another thread has counted. */
  addCount(count: StageCount): void
  /** Counts since the last `take`, left where they are. */
  peek(): readonly StageCount[]
  /** Counts since the last call, to be saved. */
  take(): readonly StageCount[]
}

export function createStageClock(): StageClock {
  let counts = new Map<string, { minute: number; stage: string; bucket: number; n: number }>()
  return {
    add(stage, atNs, latencyMs) {
      addCount({ minute: Number(atNs / MINUTE_NS), stage, bucket: bucketOf(latencyMs), n: 1 })
    },
    addCount,
    peek: () => [...counts.values()],
    take() {
      const taken = [...counts.values()]
      counts = new Map()
      return taken
    },
  }

  function addCount({ minute, stage, bucket, n }: StageCount): void {
    const key = `${minute} ${stage} ${bucket}`
    const known = counts.get(key)
    if (known) known.n += n
    else counts.set(key, { minute, stage, bucket, n })
  }
}

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
  return [...groups.values()].map(latencyRow)
}

function latencyRow(group: {
  stage: Stage
  timeNs: bigint | null
  rows: StageCount[]
}): LatencyRow {
  const { stage, timeNs, rows } = group
  const percentile = (p: number) => percentileOfBuckets(rows, p)
  return {
    group: {},
    timeNs,
    stage,
    n: rows.reduce((sum, { n }) => sum + n, 0),
    p50Ms: percentile(50),
    p95Ms: percentile(95),
    p99Ms: percentile(99),
    maxMs: percentile(100),
    clockBoundMs: null,
    negative: 0,
    method: 'histogram',
    relError: BUCKET_RELATIVE_ERROR,
  }
}
