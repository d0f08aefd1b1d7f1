import type { GeoProjection } from 'd3-geo'
import type { Site } from '../api/rows.ts'
import { useLanguage } from '../words/use-language.ts'
import { placeLabels, type Label } from './map-labels.ts'
import type { Projected } from './projection.ts'

interface SitesProps extends Projected {
  readonly sites: readonly Site[]
  readonly isNamed: (site: Site) => boolean
  readonly indoors: ReadonlyMap<string, number>
  readonly width: number
}

/** Sites by their outline, towns by a square, each with its name where there is room. */
export function Sites({ projection, sites, isNamed, indoors, width }: SitesProps) {
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
      {shown.map(({ site: { id, outline }, x, y }, at) => (
        <g key={id} class={outline ? 'site' : 'town'}>
          {outline ? (
            <path d={ringPath(projection, outline)} />
          ) : (
            <rect x={x - 2.5} y={y - 2.5} width="5" height="5" />
          )}
          <SiteLabel label={labels[at] ?? null} />
        </g>
      ))}
    </>
  )
}

function SiteLabel({ label }: { readonly label: Label | null }) {
  return (
    label && (
      <text x={label.x} y={label.y}>
        {label.text}
      </text>
    )
  )
}

type Outline = readonly (readonly [lat: number, lon: number])[]

function ringPath(projection: GeoProjection, outline: Outline): string {
  const points = outline.flatMap(([lat, lon]) => {
    const point = projection([lon, lat])
    return point ? [point.map((value) => value.toFixed(1)).join(' ')] : []
  })
  return `M${points.join('L')}Z`
}

function ringHeight(projection: GeoProjection, outline: Outline): number {
  const ys = outline.flatMap(([lat, lon]) => projection([lon, lat])?.[1] ?? [])
  return Math.max(...ys) - Math.min(...ys)
}
