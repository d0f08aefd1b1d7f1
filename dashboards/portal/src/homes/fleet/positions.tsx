import { useMemo, useState } from 'preact/hooks'
import { useLanguage } from '../../frame/language.ts'
import type { Device, Site } from '../../data/answers.ts'
import { useAnswer, useCell, useNow, usePortal } from '../../data/hooks.ts'
import type { Point } from '../../data/trails.ts'
import { Answered } from '../../parts/answered.tsx'
import { Panel } from '../../parts/panel.tsx'
import { RegionMap } from '../../map/region-map.tsx'
import { useKinds } from '../../data/use-kinds.ts'
import {
  areasOf,
  indoorCounts,
  placedDevices,
  type Area,
  type PlacedDevice,
} from './placed-devices.ts'

const NO_DEVICES: readonly Device[] = []
const NO_POINTS: readonly Point[] = []

/** Where things are: the whole region, and one place of it near by. */
export function Positions() {
  const { t, formats } = useLanguage()
  const { polls } = usePortal()
  const sites = useAnswer('/sites', polls.sites)
  const devices = useAnswer('/devices', polls.devices).value?.data ?? NO_DEVICES
  const placed = usePlaced(devices)
  const worth = t('mapWorth', {
    n: formats.count(placed.length),
    total: formats.count(devices.length),
  })
  return (
    <Panel name="map" title={t('map')} worth={worth}>
      <Answered path="/sites" answer={sites}>
        {({ data }) =>
          data.length + placed.length === 0 ? (
            <p class="none">{t('noData')}</p>
          ) : (
            <Maps sites={data} devices={devices} placed={placed} />
          )
        }
      </Answered>
      <p class="note">{t('mapNote')}</p>
    </Panel>
  )
}

function usePlaced(devices: readonly Device[]): readonly PlacedDevice[] {
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
  readonly placed: readonly PlacedDevice[]
}

function Maps({ sites, devices, placed }: MapsProps) {
  const { t, formats } = useLanguage()
  const { polls } = usePortal()
  const hasTrucks = useKinds()?.includes('truck') ?? false
  const trails = useAnswer('/readings', polls.trails, hasTrucks).value ?? NO_POINTS
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

/** All sites; where there are none, all devices. Devices that stray do not move the map. */
function regionPoints(sites: readonly Site[], placed: readonly PlacedDevice[]): readonly Point[] {
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
