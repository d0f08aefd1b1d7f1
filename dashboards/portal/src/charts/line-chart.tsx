import { useEffect, useRef } from 'preact/hooks'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useLanguage } from '../frame/language.ts'
import { TIME_ZONE } from '../data/spans.ts'
import { useWidth } from './use-size.ts'

interface LineChartProps {
  /** Unix seconds, rising. */
  readonly times: readonly number[]
  /** Null is a gap. */
  readonly values: readonly (number | null)[]
  readonly label: string
  readonly height: number
  /** Called with the time that was clicked. */
  readonly onPick?: (timeS: number) => void
}

/** One line over time. The chart is made once per width and then fed, so nothing flickers. */
export function LineChart({ times, values, label, height, onPick }: LineChartProps) {
  const { ref, width } = useWidth<HTMLDivElement>()
  const chart = useRef<UPlot | null>(null)
  const pick = useRef(onPick)
  const data = useRef<UPlot.AlignedData>([[], []])
  pick.current = onPick
  data.current = [[...times], [...values]]
  const { formats, code } = useLanguage()

  useEffect(() => {
    const element = ref.current
    if (!element || width === 0) return undefined
    const options = chartOptions({ width, height, element, number: formats.number })
    const made = new UPlot(options, data.current, element)
    chart.current = made
    const onClick = () => {
      const at = made.cursor.idx
      const time = typeof at === 'number' ? made.data[0][at] : undefined
      if (time !== undefined) pick.current?.(time)
    }
    made.over.addEventListener('click', onClick)
    const repaint = new MutationObserver(() => made.redraw(false))
    repaint.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    const redraw = () => made.redraw(false)
    scheme.addEventListener('change', redraw)
    return () => {
      repaint.disconnect()
      scheme.removeEventListener('change', redraw)
      chart.current = null
      made.destroy()
    }
  }, [width, height, code])

  useEffect(() => chart.current?.setData(data.current), [times, values])

  return <div ref={ref} class="chart" role="img" aria-label={label} />
}

interface Wanted {
  readonly width: number
  readonly height: number
  /** Its colours are those of the chart: text for the axes, accent for the line. */
  readonly element: HTMLElement
  readonly number: (value: number) => string
}

function chartOptions({ width, height, element, number }: Wanted): UPlot.Options {
  const style = () => getComputedStyle(element)
  const axis = () => style().color
  const grid = () => style().borderTopColor
  const line = () => style().outlineColor
  const base = { stroke: axis, grid: { stroke: grid, width: 1 }, ticks: { show: false } }
  const font = '11px system-ui, sans-serif'
  return {
    width,
    height,
    tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1000), TIME_ZONE),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { y: { range: (_plot, _low, high) => [0, (high || 1) * 1.1] } },
    padding: [8, 18, 0, 0],
    axes: [
      {
        ...base,
        font,
        size: 24,
        space: 60,
        values: (_plot, splits) => splits.map((seconds) => hourMinute(seconds)),
      },
      {
        ...base,
        font,
        size: 44,
        space: 26,
        values: (_plot, splits) => splits.map((value) => number(value)),
      },
    ],
    series: [{}, { stroke: line, width: 1.5, points: { show: false }, spanGaps: false }],
  }
}

const HOUR_MINUTE = new Intl.DateTimeFormat('en-GB', {
  timeZone: TIME_ZONE,
  hour: '2-digit',
  minute: '2-digit',
})

function hourMinute(seconds: number): string {
  return HOUR_MINUTE.format(seconds * 1000)
}
