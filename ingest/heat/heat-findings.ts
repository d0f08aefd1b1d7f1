import type { HeatInterval, HeatIntervals } from '#lib/kpi/heat/heat-intervals.ts'
import type { HeatFinding } from '#lib/telemetry/heat.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Span } from '#lib/telemetry/span.ts'

/**
 * What a person should look at in the registers of one meter, in the order of time: falls, jumps,
 * exchanges, errors. A gap is none: coverage tells it. What goes on without a break is one finding.
 */
export function findingsOf(
  device: FullId,
  { intervals, findings }: HeatIntervals,
  { fromNs, toNs }: Span,
): HeatFinding[] {
  const told = intervals.filter(isTold)
  // A jump to a new level is told by its interval already, which ends with the reading.
  const ends = new Set(told.map((one) => `${one.reason} ${one.toNs}`))
  const found = [
    ...told.map((one) => ({ code: one.reason, timeNs: one.fromNs, toNs: one.toNs })),
    ...findings
      .filter(({ flag, timeNs }) => !ends.has(`${flag} ${timeNs}`))
      .map(({ flag, timeNs }) => ({ code: flag, timeNs, toNs: timeNs })),
  ]
  const merged: HeatFinding[] = []
  const latest = new Map<string, number>()
  for (const one of found.toSorted((a, b) => compare(a.timeNs, b.timeNs))) {
    if (one.toNs < fromNs || one.timeNs >= toNs) continue
    const at = latest.get(one.code)
    const before = at === undefined ? undefined : merged[at]
    if (at !== undefined && before && one.timeNs <= before.toNs) {
      merged[at] = { ...before, toNs: one.toNs, count: before.count + 1 }
      continue
    }
    latest.set(one.code, merged.length)
    merged.push({ device, ...one, count: 1 })
  }
  return merged
}

type Told = HeatInterval & { readonly reason: NonNullable<HeatInterval['reason']> }

export function isTold(interval: HeatInterval): interval is Told {
  return interval.reason !== null && interval.reason !== 'gap'
}

function compare(a: bigint, b: bigint): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
