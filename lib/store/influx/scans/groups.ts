import type { Grouping } from '#lib/telemetry/grouping.ts'
import type { Stage } from '#lib/telemetry/stage.ts'
import { floorTo } from '../../time-grid.ts'
import { groupOf, type Keys } from '../figures/figure-sums.ts'

export interface Place {
  readonly group: Readonly<Partial<Record<Grouping, string | null>>>
  /** Start of the interval, where intervals are asked for. */
  readonly timeNs: bigint | null
}

interface Shape {
  readonly by: readonly Grouping[]
  readonly everyNs: bigint | null
}

/** Sums by group and interval, in the order of answers. */
export interface Groups<T> {
  at(keys: Keys, timeNs: bigint, stage?: Stage): T
  list(): readonly (Place & { readonly stage: Stage | undefined; readonly sum: T })[]
}

export function createGroups<T>({ by, everyNs }: Shape, create: () => T): Groups<T> {
  const sums = new Map<string, Place & { readonly stage: Stage | undefined; readonly sum: T }>()
  return {
    at(keys, timeNs, stage) {
      const start = everyNs === null ? null : floorTo(timeNs, everyNs)
      const group = groupOf(keys, by)
      const key = `${start} ${stage ?? ''} ${JSON.stringify(group)}`
      const found = sums.get(key)
      if (found) return found.sum
      const sum = create()
      sums.set(key, { group, timeNs: start, stage, sum })
      return sum
    },
    list: () => [...sums.values()].toSorted((a, b) => compare(a, b, by)),
  }
}

function compare(
  a: Place & { readonly stage: Stage | undefined },
  b: Place & { readonly stage: Stage | undefined },
  by: readonly Grouping[],
): number {
  if (a.timeNs !== b.timeNs) return (a.timeNs ?? 0n) < (b.timeNs ?? 0n) ? -1 : 1
  for (const name of by) {
    const order = nullsLast(a.group[name], b.group[name])
    if (order !== 0) return order
  }
  return nullsLast(a.stage, b.stage)
}

function nullsLast(a: string | null | undefined, b: string | null | undefined): number {
  if (a === b) return 0
  if (a === null || a === undefined) return 1
  return b === null || b === undefined || a < b ? -1 : 1
}
