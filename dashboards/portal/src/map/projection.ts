import { geoMercator, type GeoProjection } from 'd3-geo'
import type { Point } from '../data/point.ts'

/** Every layer of the map is drawn with the same projection. */
export interface Projected {
  readonly projection: GeoProjection
}

const MARGIN_PX = 34

interface Size {
  readonly width: number
  readonly height: number
}

/** The points fill the map except for a margin. */
export function projectionAround(points: readonly Point[], { width, height }: Size): GeoProjection {
  const coordinates = points.map(([lon, lat]) => [lon, lat])
  const margin = Math.min(MARGIN_PX, width / 8)
  return geoMercator().fitExtent(
    [
      [margin, margin],
      [width - margin, height - margin],
    ],
    { type: 'MultiPoint', coordinates },
  )
}
