import { useMemo, useState } from 'preact/hooks'
import type { Device, Site } from '../../api/rows.ts'
import type { Point } from '../../data/point.ts'
import { useKinds } from '../../data/use-kinds.ts'
import { useCell, useNow, usePortal } from '../../data/use-portal.ts'
import { useQuery } from '../../data/use-query.ts'
import type { MapDevice } from '../../map/device-marker.tsx'
import { RegionMap } from '../../map/region-map.tsx'
import { Panel } from '../../parts/panel.tsx'
import { QueryResult } from '../../parts/query-result.tsx'
import { useLanguage } from '../../words/use-language.ts'
import { areasOf, indoorCounts, placedDevices, type Area } from './placed-devices.ts'
import './positions.css'

const NO_DEVICES: readonly Device[] = []
const NO_POINTS: readonly Point[] = []

/** Where devices are: the whole region, and one area of it in detail. */
export function Positions() {
  const { t, formats } = useLanguage()
  const { polls } = usePortal()
  const sites = useQuery(polls.sites)
  const devices = useQuery(polls.devices).value?.data ?? NO_DEVICES
  const placed = usePlacedDevices(devices)
  const worth = t('mapWorth', {
    n: formats.count(placed.length),
    total: formats.count(devices.length),
  })
  return (
    <Panel name="map" title={t('map')} worth={worth}>
      <QueryResult query={sites}>
        {({ data }) =>
          data.length + placed.length === 0 ? (
            <p class="none">{t('noData')}</p>
          ) : (
            <Maps sites={data} devices={devices} placed={placed} />
          )
        }
      </QueryResult>
      <p class="note">{t('mapNote')}</p>
    </Panel>
  )
}

function usePlacedDevices(devices: readonly Device[]): readonly MapDevice[] {
  const readings = useCell(usePortal().lastValues.cell)
  const nowMs = useNow(5000)
  return useMemo(() => {
    const kinds = new Map(devices.map(({ id, kind }) => [id, kind]))
    return placedDevices(readings.values(), kinds, nowMs)
  }, [readings, devices, nowMs])
}

interface MapsProps {
  readonly sites: readonly Site[]
  readonly devices: readonly Device[]
  readonly placed: readonly MapDevice[]
}

function Maps({ sites, devices, placed }: MapsProps) {
  const { t, formats } = useLanguage()
  const { polls } = usePortal()
  const hasTrucks = useKinds()?.includes('truck') ?? false
  const trails = useQuery(polls.trails, hasTrucks).value ?? NO_POINTS
  const [areaId, setAreaId] = useState<string | null>(null)
  const areas = areasOf(sites, placed)
  const area = areas.find(({ id }) => id === areaId) ?? areas[0]
  const shared = { sites, indoors: indoorCounts(devices, placed), trails, devices: placed }
  return (
    <div class="maps">
      <figure>
        <figcaption>{t('mapRegion')}</figcaption>
        <RegionMap
          {...shared}
          label={t('mapLabel', { n: formats.count(placed.length) })}
          around={regionPoints(sites, placed)}
          aspect={0.86}
          isNamed={({ outline }) => outline === null}
        />
      </figure>
      {area && (
        <figure>
          <figcaption>
            <AreaChoice areas={areas} area={area} onChoose={setAreaId} />
          </figcaption>
          <RegionMap
            {...shared}
            label={t('mapDetailLabel', { site: area.name, n: formats.count(area.devices) })}
            around={areaPoints(area)}
            aspect={0.86}
            isNamed={() => true}
          />
        </figure>
      )}
    </div>
  )
}

interface AreaChoiceProps {
  readonly areas: readonly Area[]
  readonly area: Area
  readonly onChoose: (id: string) => void
}

function AreaChoice({ areas, area, onChoose }: AreaChoiceProps) {
  const { t } = useLanguage()
  return (
    <select
      aria-label={t('mapPick')}
      value={area.id}
      onChange={({ currentTarget: { value } }) => onChoose(value)}
    >
      {areas.map(({ id, name }) => (
        <option key={id} value={id}>
          {t('mapDetail', { site: name })}
        </option>
      ))}
    </select>
  )
}

/** All sites, or all devices where there are no sites. A device far away does not move the map. */
function regionPoints(sites: readonly Site[], placed: readonly MapDevice[]): readonly Point[] {
  const points = sites.flatMap(({ position }): Point[] =>
    position ? [[position.lon, position.lat]] : [],
  )
  if (points.length > 1) return points
  const around = [...points, ...placed.map(({ lon, lat }): Point => [lon, lat])]
  return around.flatMap(([lon, lat]): Point[] => [
    [lon - 0.1, lat - 0.1],
    [lon + 0.1, lat + 0.1],
  ])
}

function areaPoints({ sites }: Area): readonly Point[] {
  return sites.flatMap(({ outline }) => (outline ?? []).map(([lat, lon]): Point => [lon, lat]))
}
