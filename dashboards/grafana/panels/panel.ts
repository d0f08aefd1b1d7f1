import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import type { GridPos, Panel as GrafanaPanel } from '@grafana/grafana-foundation-sdk/dashboard'
import { DATA_SOURCE, influxQuery, type Query } from '../queries/influx-query.ts'
import { grafanaUnit } from './units.ts'

/** What every type of panel has. The id is explicit: links and alerts refer to it. */
export interface PanelText {
  readonly id: number
  readonly title: string
  /** What the figure means and what it does not. */
  readonly description: string
  /** Unit as in our catalogues: `ms`, `kWh`, `1`. */
  readonly unit: string
  readonly queries: readonly Query[]
  readonly decimals?: number
}

/** A panel without a position; the board gives it one. */
export interface Panel {
  readonly id: number
  readonly builder: PlaceableBuilder
}

/** What the panel builders of the SDK have in common. */
export interface PlaceableBuilder extends Builder<GrafanaPanel> {
  gridPos(place: GridPos): unknown
}

interface TextBuilder {
  id(id: number): unknown
  title(title: string): unknown
  description(description: string): unknown
  unit(unit: string): unknown
  datasource(reference: typeof DATA_SOURCE): unknown
  withTarget(target: ReturnType<typeof influxQuery>): unknown
  decimals(decimals: number): unknown
}

/** Puts title, unit and queries into a builder of the SDK. */
export function withText<B extends TextBuilder>(builder: B, text: PanelText): B {
  builder.id(text.id)
  builder.title(text.title)
  builder.description(text.description)
  builder.unit(grafanaUnit(text.unit))
  builder.datasource(DATA_SOURCE)
  if (text.decimals !== undefined) builder.decimals(text.decimals)
  for (const [at, query] of text.queries.entries()) {
    builder.withTarget(influxQuery(query, String.fromCodePoint(FIRST_REF_ID + at)))
  }
  return builder
}

/** Grafana names the queries of a panel A, B, C ... */
const FIRST_REF_ID = 65
