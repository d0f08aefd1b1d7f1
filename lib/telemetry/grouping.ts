/** What network figures can be grouped by. */
export const GROUPINGS = ['device', 'kind', 'tenant', 'rat', 'cell', 'operator', 'band'] as const
export type Grouping = (typeof GROUPINGS)[number]

/** The values that a row is grouped by. */
export type Group = Readonly<Partial<Record<Grouping, string | null>>>

/** What a row of figures is of. */
export interface Grouped {
  readonly group: Group
  /** Start of the interval; null where there are no intervals. */
  readonly timeNs: bigint | null
}

/** The order of rows: by time, then by each value of the group; unknown values come last. */
export function compareGrouped(a: Grouped, b: Grouped): number {
  if (a.timeNs !== b.timeNs) return (a.timeNs ?? 0n) < (b.timeNs ?? 0n) ? -1 : 1
  for (const name of Object.keys(a.group) as Grouping[]) {
    const order = compareValues(a.group[name] ?? null, b.group[name] ?? null)
    if (order !== 0) return order
  }
  return 0
}

function compareValues(a: string | null, b: string | null): number {
  if (a === b) return 0
  if (a === null) return 1
  return b === null || a < b ? -1 : 1
}
