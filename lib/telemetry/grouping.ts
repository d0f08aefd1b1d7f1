/** What network figures can be grouped by. */
export const GROUPINGS = ['device', 'kind', 'tenant', 'rat', 'cell', 'operator', 'band'] as const
export type Grouping = (typeof GROUPINGS)[number]

/** The values that a row is grouped by. */
export type Group = Readonly<Partial<Record<Grouping, string | null>>>
