import { useEffect, useRef } from 'preact/hooks'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { TIME_ZONE } from '../data/spans.ts'
import { useWidth } from '../parts/use-width.ts'
import { useLanguage } from '../words/use-language.ts'
import './line-chart.css'

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

/** One line over time. The chart is made once per width and then updated, so it never flickers. */
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
    const plot = new UPlot(options, data.current, element)
    chart.current = plot
    const stopPicking = onClick(plot, (time) => pick.current?.(time))
    const stopRepainting = onThemeChange(() => plot.redraw(false))
    return () => {
      stopPicking()
      stopRepainting()
      chart.current = null
      plot.destroy()
    }
  }, [width, height, code])

  useEffect(() => chart.current?.setData(data.current), [times, values])

  return <div ref={ref} class="chart" role="img" aria-label={label} />
}

/** Calls back with the time under the cursor. Returns how to stop. */
function onClick(plot: UPlot, pick: (timeS: number) => void): () => void {
  const listener = () => {
    const at = plot.cursor.idx
    const time = typeof at === 'number' ? plot.data[0][at] : undefined
    if (time !== undefined) pick(time)
  }
  plot.over.addEventListener('click', listener)
  return () => plot.over.removeEventListener('click', listener)
}

/** The canvas takes its colours from CSS only when it is drawn. Returns how to stop. */
function onThemeChange(redraw: () => void): () => void {
  const chosen = new MutationObserver(redraw)
  chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] })
  const system = matchMedia('(prefers-color-scheme: dark)')
  system.addEventListener('change', redraw)
  return () => {
    chosen.disconnect()
    system.removeEventListener('change', redraw)
  }
}

interface ChartParts {
  readonly width: number
  readonly height: number
  /** Its colours are those of the chart: text for the axes, accent for the line. */
  readonly element: HTMLElement
  readonly number: (value: number) => string
}

function chartOptions({ width, height, element, number }: ChartParts): UPlot.Options {
  const style = () => getComputedStyle(element)
  const axis: UPlot.Axis = {
    stroke: () => style().color,
    grid: { stroke: () => style().borderTopColor, width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  }
  const line = () => style().outlineColor
  return {
    width,
    height,
    tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1000), TIME_ZONE),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { y: { range: (_plot, _low, high) => [0, (high || 1) * 1.1] } },
    padding: [8, 18, 0, 0],
    axes: [
      { ...axis, size: 24, space: 60, values: (_plot, splits) => splits.map(hourMinute) },
      { ...axis, size: 44, space: 26, values: (_plot, splits) => splits.map(number) },
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
