import {
  GraphDrawStyle,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LineInterpolation,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { withText, type Panel, type PanelText } from './panel.ts'
import { thresholds, type Step } from './thresholds.ts'
import { grafanaUnit } from './units.ts'

export interface SeriesOptions extends PanelText {
  readonly look?: 'lines' | 'bars' | 'stacked bars' | 'steps'
  /** The smallest `$__interval`: the step of the series. */
  readonly minInterval?: string
  readonly steps?: readonly Step[]
  /** Left out for values that may be negative. */
  readonly isFromZero?: boolean
  readonly max?: number
  /** Fills between two series, by their names. */
  readonly band?: { readonly upper: string; readonly lower: string }
  /** One panel for each chosen value of this variable. */
  readonly repeat?: string
  /** Units of single queries by refId, where they differ; drawn on the right axis. */
  readonly rightUnits?: Readonly<Record<string, string>>
}

/** Values over time. */
export function seriesPanel(options: SeriesOptions): Panel {
  const { look = 'lines', isFromZero = true } = options
  const builder = withText(new PanelBuilder(), options).tooltip(
    new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi),
  )
  if (look === 'bars' || look === 'stacked bars') {
    builder.drawStyle(GraphDrawStyle.Bars).fillOpacity(80)
  } else {
    // A gap in the data stays a gap in the line.
    builder.drawStyle(GraphDrawStyle.Line).spanNulls(false).showPoints(VisibilityMode.Auto)
  }
  if (look === 'stacked bars') {
    builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'))
  }
  if (look === 'steps') builder.lineInterpolation(LineInterpolation.StepAfter)
  if (isFromZero) builder.min(0)
  if (options.max !== undefined) builder.max(options.max)
  if (options.minInterval !== undefined) builder.interval(options.minInterval)
  if (options.repeat !== undefined) builder.repeat(options.repeat).repeatDirection('h')
  if (options.steps) drawThresholds(builder, options.steps)
  drawOverrides(builder, options)
  return { id: options.id, builder }
}

function drawThresholds(builder: PanelBuilder, steps: readonly Step[]): void {
  builder
    .thresholds(thresholds(steps))
    .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed))
}

function drawOverrides(builder: PanelBuilder, { band, rightUnits = {} }: SeriesOptions): void {
  if (band) {
    builder.overrideByName(band.upper, [
      { id: 'custom.fillBelowTo', value: band.lower },
      { id: 'custom.fillOpacity', value: BAND_OPACITY },
    ])
  }
  for (const [refId, unit] of Object.entries(rightUnits)) {
    builder.overrideByQuery(refId, [
      { id: 'unit', value: grafanaUnit(unit) },
      { id: 'custom.axisPlacement', value: 'right' },
      { id: 'custom.drawStyle', value: 'line' },
      { id: 'custom.fillOpacity', value: 0 },
      { id: 'custom.stacking', value: { mode: 'none' } },
      ...(unit === '1' ? [{ id: 'max', value: 1 }] : []),
    ])
  }
}

const BAND_OPACITY = 15
