import { logShare, type LogScale } from './log-scale.ts'
import './range-bar.css'

interface RangeBarProps {
  /** Bars that are compared share a scale. */
  readonly scale: LogScale
  readonly from: number
  readonly mark: number
  readonly to: number
}

/** A range with a mark in it, on a logarithmic scale. */
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
