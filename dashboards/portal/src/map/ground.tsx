import { geoPath } from 'd3-geo'
import { useMemo } from 'preact/hooks'
import { REGION } from 'virtual:region'
import type { Point } from '../data/point.ts'
import { useLanguage } from '../words/use-language.ts'
import type { Projected } from './projection.ts'

/** Land and border; drawn again only when the projection changes. */
export function Ground({ projection }: Projected) {
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
