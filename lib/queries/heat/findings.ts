import type { HeatInterval, HeatIntervals } from '#lib/kpi/heat/heat-intervals.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Span } from '#lib/telemetry/span.ts'

/** Something about a register that a person should look at; a run of the same is one finding. */
export interface RegisterFinding {
  readonly device: FullId
  readonly code: string
  /** Times of the reading before it and of the one after it. */
  readonly time: bigint
  readonly to: bigint
  readonly count: number
}

/**
 * What a person should look at in the registers of one meter, in the order of time: falls, jumps,
 * exchanges, errors. A gap is none: coverage shows it. A run without a break is one finding.
 */
export function findingsOf(
  device: FullId,
  { intervals, findings }: HeatIntervals,
  { fromNs, toNs }: Span,
): RegisterFinding[] {
  const notable = intervals.filter(isNotable)
  // A jump to a new level has a finding already: its interval ends with the reading.
  const ends = new Set(notable.map((one) => `${one.reason} ${one.toNs}`))
  const found = [
    ...notable.map((one) => ({ code: one.reason, time: one.fromNs, to: one.toNs })),
    ...findings
      .filter(({ flag, timeNs }) => !ends.has(`${flag} ${timeNs}`))
      .map(({ flag, timeNs }) => ({ code: flag, time: timeNs, to: timeNs })),
  ]
  const merged: RegisterFinding[] = []
  const latest = new Map<string, number>()
  for (const one of found.toSorted((a, b) => compare(a.time, b.time))) {
    if (one.to < fromNs || one.time >= toNs) continue
    const at = latest.get(one.code)
    const before = at === undefined ? undefined : merged[at]
    if (at !== undefined && before && one.time <= before.to) {
      merged[at] = { ...before, to: one.to, count: before.count + 1 }
      continue
    }
    latest.set(one.code, merged.length)
    merged.push({ device, ...one, count: 1 })
  }
  return merged
}

type Notable = HeatInterval & { readonly reason: NonNullable<HeatInterval['reason']> }

export function isNotable(interval: HeatInterval): interval is Notable {
  return interval.reason !== null && interval.reason !== 'gap'
}

function compare(a: bigint, b: bigint): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
