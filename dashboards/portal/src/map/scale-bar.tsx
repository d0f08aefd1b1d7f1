import { useLanguage } from '../words/use-language.ts'
import type { Projected } from './projection.ts'

const KM_PER_DEGREE = 111.195
const LENGTHS_KM = [0.5, 1, 2, 5, 10, 20, 50]
const MAX_WIDTH_PX = 130

/** The longest round length that fits, at the latitude of the middle of the map. */
export function ScaleBar({ projection, height }: Projected & { readonly height: number }) {
  const { t, formats } = useLanguage()
  const [lon, lat] = projection.invert?.([20, height / 2]) ?? [0, 0]
  const [, y0 = 0] = projection([lon, lat]) ?? []
  const [, y1 = 0] = projection([lon, lat + 0.01]) ?? []
  const pxPerKm = Math.abs(y0 - y1) / 0.01 / KM_PER_DEGREE
  const km = LENGTHS_KM.findLast((length) => length * pxPerKm < MAX_WIDTH_PX) ?? 1
  return (
    <g class="scale" transform={`translate(10 ${height - 12})`}>
      <path d={`M0-4V0H${(km * pxPerKm).toFixed(0)}V-4`} />
      <text x={km * pxPerKm + 5} y="1">
        {km < 1 ? t('scaleM', { n: km * 1000 }) : t('scaleKm', { n: formats.count(km) })}
      </text>
    </g>
  )
}
