import { useMemo } from 'preact/hooks'
import type { Site } from '../api/rows.ts'
import type { Point } from '../data/point.ts'
import { useWidth } from '../parts/use-width.ts'
import { DeviceMarker, type MapDevice } from './device-marker.tsx'
import { Ground } from './ground.tsx'
import { projectionAround } from './projection.ts'
import './region-map.css'
import { ScaleBar } from './scale-bar.tsx'
import { Sites } from './sites.tsx'
import { Trails } from './trails.tsx'

interface RegionMapProps {
  readonly label: string
  /** What must be on the map. */
  readonly around: readonly Point[]
  /** Height over width. */
  readonly aspect: number
  readonly sites: readonly Site[]
  /** Sites whose names are written. */
  readonly isNamed: (site: Site) => boolean
  /** Devices at a site that give no position. */
  readonly indoors: ReadonlyMap<string, number>
  readonly trails: readonly Point[]
  readonly devices: readonly MapDevice[]
}

/** Coast, border, sites, roads as trucks drew them, and where devices are. Schematic. */
export function RegionMap(props: RegionMapProps) {
  const { label, around, aspect, sites, isNamed, indoors, trails, devices } = props
  const { ref, width } = useWidth<HTMLDivElement>()
  const height = Math.round(width * aspect)
  // The points, not the list that holds them: each rendering brings a new list.
  const corners = JSON.stringify(around)
  const projection = useMemo(
    () => projectionAround(around, { width, height }),
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
            <DeviceMarker key={device.device} projection={projection} {...device} />
          ))}
          <ScaleBar projection={projection} height={height} />
        </svg>
      )}
    </div>
  )
}
