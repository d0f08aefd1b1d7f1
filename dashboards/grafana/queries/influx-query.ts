import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common'

/** The data source of every board and alert; `provisioning/datasources/` creates it. */
export const DATA_SOURCE = {
  type: 'influxdb',
  uid: 'padborg-influx',
} as const satisfies DataSourceRef

/** One InfluxQL query of a panel. The refId is its place in the panel: A, B, C ... */
export interface Query {
  readonly influxql: string
  /** Name of a series; `[[tag_key]]` and `$col` are replaced by Grafana. */
  readonly alias?: string
  readonly format?: 'time_series' | 'table'
}

/** The SDK has no InfluxDB query; this is what Grafana's plugin stores for one in raw mode. */
export function influxQuery(
  { influxql, alias, format = 'time_series' }: Query,
  refId: string,
): Builder<Dataquery> {
  const target = {
    refId,
    datasource: DATA_SOURCE,
    query: influxql,
    rawQuery: true,
    resultFormat: format,
    ...(alias === undefined ? {} : { alias }),
    _implementsDataqueryVariant: () => undefined,
  }
  return { build: () => target }
}
