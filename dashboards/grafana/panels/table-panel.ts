import type { DataTransformerConfig } from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/table'
import { withText, type Panel, type PanelText } from './panel.ts'
import { grafanaUnit } from './units.ts'

export interface TableOptions extends PanelText {
  /**
   * Columns from left to right. Grafana's table parser puts tags in any order; others, such as the
   * time of a last value, are left out.
   */
  readonly columns: readonly string[]
  readonly transformations?: readonly DataTransformerConfig[]
  /** Present name of a column -> name shown. */
  readonly names?: Readonly<Record<string, string>>
  /** Units of single columns, where they differ. */
  readonly columnUnits?: Readonly<Record<string, string>>
}

/** One row per series. A device leads to its board. */
export function tablePanel(options: TableOptions): Panel {
  const builder = withText(new PanelBuilder(), options)
  for (const transformation of options.transformations ?? []) {
    builder.withTransformation(transformation)
  }
  const { columns, names = {} } = options
  const before = new Map(Object.entries(names).map(([old, shown]) => [shown, old]))
  builder.withTransformation({
    id: 'organize',
    options: {
      excludeByName: { Time: !columns.includes('Time') },
      indexByName: Object.fromEntries(columns.map((name, at) => [before.get(name) ?? name, at])),
      renameByName: names,
    },
  })
  if (columns.includes('device')) {
    builder.overrideByName('device', [{ id: 'links', value: [DEVICE_LINK] }])
  }
  for (const [column, unit] of Object.entries(options.columnUnits ?? {})) {
    builder.overrideByName(column, [{ id: 'unit', value: grafanaUnit(unit) }])
  }
  return { id: options.id, builder }
}

const DEVICE_LINK = {
  title: 'This device',
  url: '/d/padborg-device?var-device=${__value.text}&${__url_time_range}',
}

/**
 * Grafana's transformations from rows per day to rows per calendar month, in the time zone of the
 * board. Rows of several queries with the same time and keys are merged first.
 */
export function perMonth(
  keys: readonly string[],
  columns: Readonly<Record<string, 'sum' | 'mean'>>,
): readonly DataTransformerConfig[] {
  return [
    { id: 'merge', options: {} },
    {
      id: 'formatTime',
      options: { timeField: 'Time', outputFormat: 'YYYY-MM', useTimezone: true },
    },
    grouped(['Time', ...keys], columns),
  ]
}

/** Rows with the same keys become one with the sums of their columns. */
export function summed(keys: readonly string[], columns: readonly string[]): DataTransformerConfig {
  return grouped(keys, Object.fromEntries(columns.map((name) => [name, 'sum' as const])))
}

function grouped(
  keys: readonly string[],
  columns: Readonly<Record<string, 'sum' | 'mean'>>,
): DataTransformerConfig {
  const kept = keys.map((name) => [name, { aggregations: [], operation: 'groupby' }])
  const aggregated = Object.entries(columns).map(([name, how]) => [
    name,
    { aggregations: [how], operation: 'aggregate' },
  ])
  return { id: 'groupBy', options: { fields: Object.fromEntries([...kept, ...aggregated]) } }
}
