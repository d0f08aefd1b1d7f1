import { KPIS } from '#lib/kpi/catalogue.ts'
import type { Query } from './influx-query.ts'
import type { SeriesOptions } from './series-panel.ts'
import { OF_TENANT, oneOf } from './variables.ts'

/*
 * A percentile belongs to its minute and key. Percentiles cannot be averaged, and merging them needs
 * the histograms, which InfluxQL has not: panels show the minutes as they are. Over long spans they
 * may show the worst minute of each interval, and say so.
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

interface LatencyRows {
  /** A grouping of the API's `by`, or a variable that holds one. */
  readonly by: string
  /** More conditions, as InfluxQL. */
  readonly and?: readonly string[]
  /** Where it is not the variable's. */
  readonly stage?: (typeof STAGES | typeof OWN_STAGES)[number]
  /** Over all tenants, whatever is chosen. */
  readonly isOverAll?: true
}

/** The minutes of chosen percentiles, one series per key and percentile, as they were written. */
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

/**
 * A panel with the median, 95th and 99th percentile of each minute of one key. Between the first and
 * the last a band is filled where all tenants are shown; Grafana needs the names of its ends.
 */
export function bandPanel(
  text: { readonly id: number; readonly title: string; readonly about: string },
  rows: LatencyRows,
): SeriesOptions {
  return {
    id: text.id,
    title: text.title,
    description:
      `${text.about} Each point is one minute; percentiles are never averaged.\n\n` +
      (rows.stage === undefined ? STAGE_SENTENCES : KPIS[rows.stage].description),
    unit: KPIS.age.unit,
    band: { upper: '_all p99', lower: '_all p50' },
    queries: [{ ...percentileMinutes(['p50', 'p95', 'p99'], rows), alias: '[[tag_tenant]] $col' }],
  }
}

function fromRows({ by, and = [], stage: fixed, isOverAll }: LatencyRows): string {
  const ofStage = fixed === undefined ? OF_STAGE : `"stage" = '${fixed}'`
  const ofTenant = isOverAll ? `"tenant" = '_all'` : OF_TENANT
  const where = ['$timeFilter', ofTenant, `"by" = '${by}'`, ofStage, ...and].join(' AND ')
  return `FROM "latency_minute" WHERE ${where}`
}
