import { bucketOf, percentileOfBuckets } from '#lib/kpi/buckets.ts'
import { latencyRows, type LatencyRow } from '#lib/kpi/network/latency.ts'
import type { DatabaseSync } from 'node:sqlite'
import type { LatencyQuery, Stage } from '#lib/telemetry/questions.ts'
import type { StageCount } from './ingest-db.ts'

const MINUTE_NS = 60_000_000_000n

/**
 * How long messages take through the platform itself: received to durable, received to stored. One
 * sparse histogram per minute and stage over all devices (a histogram per device would cost more
 * than it tells).
 */
export interface StageClock {
  /** Where the latencies (ms) of one stage that end at this moment are counted, one call each. */
  at(stage: Stage, atNs: bigint): (latencyMs: number) => void
  /** Adds what another thread has counted. */
  addCount(count: StageCount): void
  /** Counts since the last `take`, left where they are. */
  peek(): readonly StageCount[]
  /** Counts since the last call, to be saved. */
  take(): readonly StageCount[]
}

interface Histogram {
  readonly minute: number
  readonly stage: string
  /** Count per bucket. */
  readonly counts: Map<number, number>
}

export function createStageClock(): StageClock {
  let histograms: Histogram[] = []
  const peek = () =>
    histograms.flatMap(({ minute, stage, counts }) =>
      [...counts].map(([bucket, n]) => ({ minute, stage, bucket, n })),
    )
  return {
    at(stage, atNs) {
      const { counts } = histogramOf(Number(atNs / MINUTE_NS), stage)
      return (latencyMs) => addTo(counts, bucketOf(latencyMs), 1)
    },
    addCount: ({ minute, stage, bucket, n }) => addTo(histogramOf(minute, stage).counts, bucket, n),
    peek,
    take() {
      const taken = peek()
      histograms = []
      return taken
    },
  }

  /** Few are open at once: those of the last minutes. */
  function histogramOf(minute: number, stage: string): Histogram {
    const known = histograms.find((one) => one.minute === minute && one.stage === stage)
    if (known) return known
    const made = { minute, stage, counts: new Map<number, number>() }
    histograms.push(made)
    return made
  }
}

function addTo(counts: Map<number, number>, bucket: number, n: number): void {
  counts.set(bucket, (counts.get(bucket) ?? 0) + n)
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
