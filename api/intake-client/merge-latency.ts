import {
  GROUPINGS,
  type LatencyQuery,
  type LatencyRow,
  type Stage,
} from '#lib/telemetry/questions.ts'

/** Stages of the platform itself: each intake knows its own. */
const OWN: ReadonlySet<Stage> = new Set(['durable', 'stored'])

/** What the store answers, and what each intake has to be asked. */
export function splitStages(query: LatencyQuery): {
  readonly stored: LatencyQuery
  readonly own: LatencyQuery
} {
  const stages = Object.groupBy(query.stages, (stage) => (OWN.has(stage) ? 'own' : 'stored'))
  return {
    stored: { ...query, stages: stages.stored ?? [] },
    own: { ...query, stages: stages.own ?? [] },
  }
}

/**
 * Counts and maxima of several intakes. Percentiles cannot be made of percentiles: they are null
 * where more than one intake has values, and one intake's own are at its own address.
 */
export function mergeLatency(answers: readonly (readonly LatencyRow[])[]): LatencyRow[] {
  const rows = new Map<string, LatencyRow>()
  for (const row of answers.flat()) {
    const key = `${row.stage} ${row.timeNs} ${JSON.stringify(row.group, [...GROUPINGS])}`
    const known = rows.get(key)
    rows.set(key, known ? both(known, row) : row)
  }
  return [...rows.values()]
}

function both(a: LatencyRow, b: LatencyRow): LatencyRow {
  if (a.n === 0 || b.n === 0) return a.n === 0 ? b : a
  return {
    ...a,
    n: a.n + b.n,
    p50Ms: null,
    p95Ms: null,
    p99Ms: null,
    maxMs: largest(a.maxMs, b.maxMs),
    clockBoundMs: largest(a.clockBoundMs, b.clockBoundMs),
    negative: a.negative + b.negative,
  }
}

function largest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b)
}
