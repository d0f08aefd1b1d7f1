import type { Flag } from './flags.ts'
import type { FullId } from './ids.ts'

/**
 * Where heat is measured: where it leaves the data centre (M1 of docs/domain.md 7.3, E_REUSE), or
 * where it goes to the heat network behind the heat pump (M2). The second holds the first and the
 * electricity of the heat pump: the two are never added.
 */
export const HEAT_BOUNDARIES = ['handoff', 'delivered'] as const
export type Boundary = (typeof HEAT_BOUNDARIES)[number]

export const HEAT_GROUPINGS = ['town', 'data_centre', 'heat_network', 'municipality'] as const
export type HeatGrouping = (typeof HEAT_GROUPINGS)[number]

/** One reading of an energy register, as the rules of lib/kpi take it. */
export interface RegisterRow {
  readonly device: FullId
  readonly timeNs: bigint
  readonly energyKwh: number
  readonly meterId: string | null
  readonly flags: readonly Flag[]
  readonly status: string | null
  readonly operatingHoursH: number | null
}

export interface HeatRow {
  readonly boundary: Boundary
  readonly group: Readonly<Record<string, string | null>>
  /** Start of the interval, where `every` was asked for. */
  readonly timeNs: bigint | null
  /** Null where no register difference is known: missing is not zero. */
  readonly energyKwh: number | null
  /** The part of it whose distribution in time is not known. */
  readonly bridgedKwh: number
  readonly uncertaintyKwh: number | null
  readonly coverage: number
  readonly intervals: Readonly<Record<'measured' | 'bridged' | 'missing' | 'excluded', number>>
  readonly meters: number
}

/** Something about a register that a person should look at; a run of the same is one finding. */
export interface HeatFinding {
  readonly device: FullId
  readonly code: string
  readonly timeNs: bigint
  readonly toNs: bigint
  readonly count: number
}

export interface HeatAnswer {
  readonly rows: readonly HeatRow[]
  readonly findings: readonly HeatFinding[]
  /** How many there are, also where the list of them was cut. */
  readonly findingsTotal: number
  /** Share of the time of all meters that measured intervals cover; null without a meter. */
  readonly coverage: number | null
  readonly meters: number
  /** Heat meters in the scope that belong to no boundary, since their role is not set. */
  readonly metersWithoutRole: number
  readonly timeZone: string
}
