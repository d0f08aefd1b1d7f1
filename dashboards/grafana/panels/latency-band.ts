import { KPIS } from '#lib/kpi/catalogue.ts'
import { percentileMinutes, STAGE_SENTENCES, type LatencyRows } from '../queries/latency.ts'
import type { SeriesOptions } from './series-panel.ts'

interface BandText {
  readonly id: number
  readonly title: string
  readonly about: string
}

/**
 * A panel with the median, 95th and 99th percentile of each minute of one key. Where all tenants are
 * shown, a band is filled between the median and the 99th; Grafana needs the names of both series.
 */
export function latencyBand({ id, title, about }: BandText, rows: LatencyRows): SeriesOptions {
  return {
    id,
    title,
    description:
      `${about} Each point is one minute; percentiles are never averaged.\n\n` +
      (rows.stage === undefined ? STAGE_SENTENCES : KPIS[rows.stage].description),
    unit: KPIS.age.unit,
    band: { upper: '_all p99', lower: '_all p50' },
    queries: [{ ...percentileMinutes(['p50', 'p95', 'p99'], rows), alias: '[[tag_tenant]] $col' }],
  }
}
