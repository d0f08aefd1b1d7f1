import { KPIS } from '#lib/kpi/catalogue.ts'
import type { Query } from './influx-query.ts'
import { OF_TENANT, oneOf } from './variables.ts'

/*
 * A percentile belongs to its minute and key. Percentiles cannot be averaged, and merging them needs
 * the histograms, which InfluxQL does not have: panels show each minute as it is. Over long spans they
 * may show the worst minute of each interval, with a title that says so.
 */

/** Stages of readings; `age` first, since every device has it. */
const STAGES = ['age', 'uplink', 'rtt'] as const
/** Stages of the platform itself, which belong to no tenant. */
export const OWN_STAGES = ['durable', 'stored'] as const

export const stage = oneOf('stage', 'Stage', STAGES)

/** What each stage means, for the description of a panel. */
export const STAGE_SENTENCES = STAGES.map((name) => `${name}: ${KPIS[name].description}`).join(
  '\n\n',
)

const OF_STAGE = `"stage" = '\${stage:raw}'`

const PERCENTILES = { p50: 'p50Ms', p95: 'p95Ms', p99: 'p99Ms' } as const

type Percentile = keyof typeof PERCENTILES

export interface LatencyRows {
  /** A grouping of the API's `by`, or a variable with one. */
  readonly by: string
  /** More conditions, as InfluxQL. */
  readonly and?: readonly string[]
  /** A fixed stage instead of the chosen one. */
  readonly stage?: (typeof STAGES | typeof OWN_STAGES)[number]
  /** Over all tenants instead of the chosen ones. */
  readonly isOverAll?: true
}

/** Percentiles of each minute as they were written, one series per key and percentile. */
export function percentileMinutes(names: readonly Percentile[], rows: LatencyRows): Query {
  const fields = names.map((name) => `"${PERCENTILES[name]}" AS "${name}"`).join(', ')
  return {
    influxql: `SELECT ${fields} ${fromRows(rows)} GROUP BY "tenant", "key"`,
    alias: '[[tag_tenant]] [[tag_key]] $col',
  }
}

/** One value per interval: a sum of counts, the largest of bounds, the worst minute. */
export function latencyRows(select: string, rows: LatencyRows): Query {
  return {
    influxql:
      `SELECT ${select} ${fromRows(rows)}` +
      ' GROUP BY time($__interval), "tenant", "key" fill(none)',
    alias: '[[tag_tenant]] [[tag_key]] $col',
  }
}

function fromRows({ by, and = [], stage: fixed, isOverAll }: LatencyRows): string {
  const ofStage = fixed === undefined ? OF_STAGE : `"stage" = '${fixed}'`
  const ofTenant = isOverAll ? `"tenant" = '_all'` : OF_TENANT
  const where = ['$timeFilter', ofTenant, `"by" = '${by}'`, ofStage, ...and].join(' AND ')
  return `FROM "latency_minute" WHERE ${where}`
}
