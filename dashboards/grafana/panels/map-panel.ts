import {
  FrameGeometrySourceBuilder,
  FrameGeometrySourceMode,
  MapLayerOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  ControlsOptionsBuilder,
  MapCenterID,
  MapViewConfigBuilder,
  PanelBuilder,
  TooltipMode,
  TooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/geomap'
import { withText, type Panel, type PanelText } from './panel.ts'
import { thresholds, type Step } from './thresholds.ts'

export interface MapOptions extends PanelText {
  /** The column that gives a marker its colour. */
  readonly colourBy: string
  readonly steps: readonly Step[]
  readonly minInterval?: string
}

/** Markers on a map, from a table with the columns `lat` and `lon`. */
export function mapPanel(options: MapOptions): Panel {
  const builder = withText(new PanelBuilder(), options)
    .thresholds(thresholds(options.steps))
    .view(new MapViewConfigBuilder().id(MapCenterID.Fit).allLayers(true).padding(10).zoom(12))
    .controls(new ControlsOptionsBuilder().showZoom(true).showAttribution(true).showScale(true))
    .tooltip(new TooltipOptionsBuilder().mode(TooltipMode.Details))
    .basemap(new MapLayerOptionsBuilder().type('default').name('Map'))
    .layers([markers(options)])
  for (const column of ['lat', 'lon']) {
    builder.overrideByName(column, [{ id: 'unit', value: 'degree' }])
  }
  if (options.minInterval !== undefined) builder.interval(options.minInterval)
  return { id: options.id, builder }
}

function markers({ title, colourBy }: MapOptions): MapLayerOptionsBuilder {
  return new MapLayerOptionsBuilder()
    .type('markers')
    .name(title)
    .tooltip(true)
    .location(
      new FrameGeometrySourceBuilder()
        .mode(FrameGeometrySourceMode.Coords)
        .latitude('lat')
        .longitude('lon'),
    )
    .config({
      showLegend: true,
      style: {
        color: { field: colourBy, fixed: 'blue' },
        opacity: 0.7,
        size: { fixed: 6, min: 4, max: 12 },
        symbol: { mode: 'fixed', fixed: 'img/icons/marker/circle.svg' },
      },
    })
}
