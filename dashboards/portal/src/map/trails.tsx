import { useMemo } from 'preact/hooks'
import type { Point } from '../data/point.ts'
import type { Projected } from './projection.ts'

/** Dots where vehicles were, one per pixel. */
export function Trails({ projection, points }: Projected & { readonly points: readonly Point[] }) {
  const d = useMemo(() => {
    const dots = new Set<string>()
    for (const point of points) {
      const [x, y] = projection([...point]) ?? []
      if (x !== undefined && y !== undefined) dots.add(`M${x.toFixed(0)} ${y.toFixed(0)}h0`)
    }
    return [...dots].join('')
  }, [projection, points])
  return <path class="trail" d={d} />
}
