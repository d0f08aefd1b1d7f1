import { drillHash } from '../links/drill-link.tsx'
import type { Projected } from './projection.ts'

export interface MapDevice {
  readonly device: string
  readonly kind: string
  readonly lon: number
  readonly lat: number
  /** Null when it stands still or gives no heading. */
  readonly headingDeg: number | null
  readonly isStale: boolean
}

/** A click opens the readings; the keyboard finds the same device in the lists. */
export function DeviceMarker(props: Projected & MapDevice) {
  const { projection, device, kind, lon, lat, headingDeg, isStale } = props
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

function shapeOf(kind: string, isMoving: boolean): string {
  if (kind === 'robot') return DIAMOND
  return isMoving ? ARROW : CIRCLE
}
