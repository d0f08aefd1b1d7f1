import { geoMercator, geoPath, type GeoProjection } from 'd3-geo'
import { useMemo } from 'preact/hooks'
import { REGION } from 'virtual:region'
import { useLanguage } from '../frame/language.ts'
import type { Site } from '../data/answers.ts'
import type { Point } from '../data/trails.ts'
import type { PlacedDevice } from '../homes/fleet/placed-devices.ts'
import { drillHash } from '../parts/drill-link.tsx'
import { placeLabels } from './map-labels.ts'
import { useWidth } from '../charts/use-size.ts'

interface RegionMapProps {
  readonly label: string
  /** What must be on the map. */
  readonly around: readonly Point[]
  readonly aspect: number
  readonly sites: readonly Site[]
  /** Sites whose names are written. */
  readonly isNamed: (site: Site) => boolean
  /** Devices at a site that give no position. */
  readonly indoors: ReadonlyMap<string, number>
  readonly trails: readonly Point[]
  readonly devices: readonly PlacedDevice[]
}

const MARGIN_PX = 34

/** Coast, border, sites, roads as trucks drew them, and where devices are. Schematic. */
export function RegionMap(props: RegionMapProps) {
  const { label, around, aspect, sites, isNamed, indoors, trails, devices } = props
  const { ref, width } = useWidth<HTMLDivElement>()
  const height = Math.round(width * aspect)
  const corners = JSON.stringify(around)
  const projection = useMemo(
    () => projectionFor(around, width, height),
    // The points, not the list that holds them: each drawing brings a new list.
    [corners, width, height],
  )
  return (
    <div ref={ref} class="map">
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={label}>
          <Ground projection={projection} />
          <Trails projection={projection} points={trails} />
          <Sites {...{ projection, sites, isNamed, indoors, width }} />
          {devices.map((device) => (
            <Marker key={device.device} projection={projection} {...device} />
          ))}
          <ScaleBar projection={projection} height={height} />
        </svg>
      )}
    </div>
  )
}

function projectionFor(around: readonly Point[], width: number, height: number): GeoProjection {
  const coordinates = around.map(([lon, lat]) => [lon, lat])
  const margin = Math.min(MARGIN_PX, width / 8)
  return geoMercator().fitExtent(
    [
      [margin, margin],
      [width - margin, height - margin],
    ],
    { type: 'MultiPoint', coordinates },
  )
}

interface Projected {
  readonly projection: GeoProjection
}

/** Redrawn only when the map changes its size or place. */
function Ground({ projection }: Projected) {
  const { named } = useLanguage()
  const { land, border } = useMemo(() => {
    const path = geoPath(projection)
    const line = (points: readonly Point[]) =>
      path({ type: 'LineString', coordinates: points.map(([lon, lat]) => [lon, lat]) }) ?? ''
    return {
      // Rings as closed lines: planar, so that their winding does not matter.
      land: REGION.land.map(({ id, rings }) => ({ id, d: `${rings.map(line).join('Z')}Z` })),
      border: REGION.border.map(line).join(''),
    }
  }, [projection])
  return (
    <>
      {land.map(({ id, d }) => (
        <path key={id} class="land" d={d}>
          <title>{named('country', id)}</title>
        </path>
      ))}
      <path class="border" d={border} />
    </>
  )
}

function Trails({ projection, points }: Projected & { readonly points: readonly Point[] }) {
  const d = useMemo(() => {
    const seen = new Set<string>()
    for (const point of points) {
      const [x, y] = projection([...point]) ?? []
      if (x !== undefined && y !== undefined) seen.add(`M${x.toFixed(0)} ${y.toFixed(0)}h0`)
    }
    return [...seen].join('')
  }, [projection, points])
  return <path class="trail" d={d} />
}

interface SitesProps extends Projected, Pick<RegionMapProps, 'sites' | 'isNamed' | 'indoors'> {
  readonly width: number
}

function Sites({ projection, sites, isNamed, indoors, width }: SitesProps) {
  const { t, formats } = useLanguage()
  const shown = sites.flatMap((site) => {
    const { position, outline, name } = site
    const [x, y] = (position && projection([position.lon, position.lat])) ?? []
    if (x === undefined || y === undefined) return []
    const count = indoors.get(site.id) ?? 0
    const text = count === 0 ? name : `${name} · ${t('indoors', { n: formats.count(count) })}`
    const heightPx = outline ? ringHeight(projection, outline) : 0
    return [{ site, x, y, heightPx, text: isNamed(site) ? text : '' }]
  })
  const labels = placeLabels(shown, width)
  return (
    <>
      {shown.map(({ site: { id, outline }, x, y }, at) => {
        const label = labels[at]
        return (
          <g key={id} class={outline ? 'site' : 'town'}>
            {outline ? (
              <path d={ringPath(projection, outline)} />
            ) : (
              <rect x={x - 2.5} y={y - 2.5} width="5" height="5" />
            )}
            {label && (
              <text x={label.x} y={label.y}>
                {label.text}
              </text>
            )}
          </g>
        )
      })}
    </>
  )
}

function ringPath(
  projection: GeoProjection,
  outline: readonly (readonly [number, number])[],
): string {
  const points = outline.flatMap(([lat, lon]) => {
    const point = projection([lon, lat])
    return point ? [point.map((value) => value.toFixed(1)).join(' ')] : []
  })
  return `M${points.join('L')}Z`
}

function ringHeight(
  projection: GeoProjection,
  outline: readonly (readonly [number, number])[],
): number {
  const ys = outline.flatMap(([lat, lon]) => projection([lon, lat])?.[1] ?? [])
  return Math.max(...ys) - Math.min(...ys)
}

/** A click opens the readings; the keyboard finds the same device in the lists. */
function Marker({
  projection,
  device,
  kind,
  lon,
  lat,
  headingDeg,
  isStale,
}: Projected & PlacedDevice) {
  const [x, y] = projection([lon, lat]) ?? []
  if (x === undefined || y === undefined) return null
  const turn = headingDeg === null ? '' : ` rotate(${headingDeg.toFixed(0)})`
  return (
    <path
      class={`device ${kind}${isStale ? ' stale' : ''}`}
      data-device={device}
      transform={`translate(${x.toFixed(1)} ${y.toFixed(1)})${turn}`}
      d={shapeOf(kind, headingDeg !== null)}
      onClick={() => {
        location.hash = drillHash({ show: 'readings', kind, device, span: '1h' })
      }}
    >
      <title>{device}</title>
    </path>
  )
}

const CIRCLE = 'M-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0-6.8 0Z'
const ARROW = 'M0-6 4 4.5 0 2.4-4 4.5Z'
const DIAMOND = 'M0-4.4 4.4 0 0 4.4-4.4 0Z'

function shapeOf(kind: string, moves: boolean): string {
  if (kind === 'robot') return DIAMOND
  return moves ? ARROW : CIRCLE
}

const KM_PER_DEGREE = 111.195
const SCALE_KM = [0.5, 1, 2, 5, 10, 20, 50]
const SCALE_PX = 130

function ScaleBar({ projection, height }: Projected & { readonly height: number }) {
  const { t, formats } = useLanguage()
  const [lon, lat] = projection.invert?.([20, height / 2]) ?? [0, 0]
  const [, y0 = 0] = projection([lon, lat]) ?? []
  const [, y1 = 0] = projection([lon, lat + 0.01]) ?? []
  const pxPerKm = Math.abs(y0 - y1) / 0.01 / KM_PER_DEGREE
  const km = SCALE_KM.findLast((length) => length * pxPerKm < SCALE_PX) ?? 1
  return (
    <g class="scale" transform={`translate(10 ${height - 12})`}>
      <path d={`M0-4V0H${(km * pxPerKm).toFixed(0)}V-4`} />
      <text x={km * pxPerKm + 5} y="1">
        {km < 1 ? t('scaleM', { n: km * 1000 }) : t('scaleKm', { n: formats.count(km) })}
      </text>
    </g>
  )
}
