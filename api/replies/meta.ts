import { isoOf } from '#lib/runtime/clock.ts'
import { intervalsOf, type Stretch } from '../parameters/span.ts'

/** What the numbers of a series mean: unit, aggregation, coverage. */
export interface Meta {
  readonly unit: Readonly<Record<string, string>>
  readonly aggregation: string
  readonly coverage: number | null
  readonly coverageOf: string
  readonly from: string
  readonly to: string
  readonly every: string | null
}

type Told = Pick<Meta, 'unit' | 'aggregation' | 'coverage' | 'coverageOf'>

export function metaOf(stretch: Stretch, told: Told): Meta {
  const { fromNs, toNs, everyNs } = stretch
  return {
    ...told,
    from: isoOf(fromNs),
    to: isoOf(toNs),
    every: everyNs === null ? null : durationOf(everyNs),
  }
}

/** Share of the intervals that hold data; null where there is nothing to compare with. */
export function coverageOf(filled: number, series: number, stretch: Stretch): number | null {
  if (stretch.everyNs === null || series === 0) return null
  return Math.min(1, filled / (series * intervalsOf(stretch, stretch.everyNs)))
}

const SECOND_NS = 1_000_000_000n

/** ISO 8601 with fixed units alone: `PT15M`, `P1D`. Durations here are whole seconds. */
function durationOf(ns: bigint): string {
  const seconds = ns / SECOND_NS
  const days = seconds / 86_400n
  const parts = [
    [(seconds / 3600n) % 24n, 'H'],
    [(seconds / 60n) % 60n, 'M'],
    [seconds % 60n, 'S'],
  ] as const
  const time = parts.flatMap(([n, unit]) => (n === 0n ? [] : [`${n}${unit}`])).join('')
  return `P${days === 0n ? '' : `${days}D`}${time === '' ? '' : `T${time}`}`
}
