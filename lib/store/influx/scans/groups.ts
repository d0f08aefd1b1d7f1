import type { Group, Grouped, Grouping } from '#lib/telemetry/grouping.ts'
import type { Stage } from '#lib/telemetry/stage.ts'
import { groupOfKeys, type Keys } from '../../figure-keys.ts'
import { floorTo } from '#lib/telemetry/time-grid.ts'

interface Shape {
  readonly by: readonly Grouping[]
  readonly everyNs: bigint | null
}

type Entry<T> = Grouped & { readonly stage: Stage | undefined; readonly sum: T }

/** Sums by group, interval and stage. */
export interface Groups<T> {
  at(keys: Keys, timeNs: bigint, stage?: Stage): T
  list(): readonly Entry<T>[]
}

export function createGroups<T>({ by, everyNs }: Shape, create: () => T): Groups<T> {
  const sums = new Map<string, Entry<T>>()
  return {
    at(keys, timeNs, stage) {
      const start = everyNs === null ? null : floorTo(timeNs, everyNs)
      const group: Group = groupOfKeys(keys, by)
      const key = `${start} ${stage ?? ''} ${JSON.stringify(group)}`
      const found = sums.get(key)
      if (found) return found.sum
      const sum = create()
      sums.set(key, { group, timeNs: start, stage, sum })
      return sum
    },
    list: () => [...sums.values()],
  }
}
