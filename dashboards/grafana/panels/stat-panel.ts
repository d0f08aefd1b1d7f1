import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  ReduceDataOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { withText, type Panel, type PanelText } from './panel.ts'
import { thresholds, type Step } from './thresholds.ts'
import { grafanaUnit } from './units.ts'

export interface StatOptions extends PanelText {
  readonly steps?: readonly Step[]
  /** Shown where the result is empty. */
  readonly noValue?: string
  /** Units of single queries by refId, where they differ. */
  readonly otherUnits?: Readonly<Record<string, string>>
}

/** The last value, large. "No data" where there is none: missing is never shown as zero. */
export function statPanel(options: StatOptions): Panel {
  const builder = withText(new PanelBuilder(), options)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .graphMode(BigValueGraphMode.None)
    .textMode(BigValueTextMode.ValueAndName)
    .colorMode(options.steps ? BigValueColorMode.Value : BigValueColorMode.None)
    .noValue(options.noValue ?? 'no data')
  if (options.steps) builder.thresholds(thresholds(options.steps))
  for (const [refId, unit] of Object.entries(options.otherUnits ?? {})) {
    builder.overrideByQuery(refId, [{ id: 'unit', value: grafanaUnit(unit) }])
  }
  return { id: options.id, builder }
}
