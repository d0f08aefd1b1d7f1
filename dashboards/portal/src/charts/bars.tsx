import { useLanguage } from '../frame/language.ts'

interface ShareBarProps {
  readonly share: number | null
  /** Below it, the figure is only provisional. */
  readonly goodFrom?: number
  readonly title?: string
}

const GOOD_FROM = 0.95

/** A share of one as a bar with its number. */
export function ShareBar({ share, goodFrom = GOOD_FROM, title }: ShareBarProps) {
  const { formats } = useLanguage()
  const isGood = share !== null && share >= goodFrom
  return (
    <span class={`share ${isGood ? 'good' : 'poor'}`} title={title}>
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="4" />
        <rect class="fill" width={100 * Math.min(1, Math.max(0, share ?? 0))} height="4" />
      </svg>
      <span class="share-number">{formats.percent(share)}</span>
    </span>
  )
}

export interface LogScale {
  readonly low: number
  readonly high: number
}

interface RangeBarProps {
  readonly scale: LogScale
  readonly from: number
  readonly mark: number
  readonly to: number
}

/** From p50 to p99 with a mark at p95, on a logarithmic scale that its neighbours share. */
export function RangeBar({ scale, from, mark, to }: RangeBarProps) {
  const x = (value: number) => logShare(scale, value) * 100
  const start = x(from)
  return (
    <svg class="range" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      <line class="track" x1="0" x2="100" y1="5" y2="5" />
      <rect class="fill" x={start} y="2.5" width={Math.max(0.8, x(to) - start)} height="5" />
      <rect class="mark" x={x(mark) - 0.4} y="0" width="0.8" height="10" />
    </svg>
  )
}

function logShare({ low, high }: LogScale, value: number): number {
  const span = Math.log(high / low)
  const share = Math.log(Math.max(value, low) / low) / span
  return Math.min(1, Math.max(0, share))
}

/** Whole decades around the values. */
export function decadesAround(values: readonly number[]): LogScale {
  const positive = values.filter((value) => value > 0)
  if (positive.length === 0) return { low: 1, high: 1000 }
  const low = 10 ** Math.floor(Math.log10(Math.min(...positive)))
  const high = 10 ** Math.ceil(Math.log10(Math.max(...positive)))
  return { low, high: high > low ? high : low * 10 }
}
