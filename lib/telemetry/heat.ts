import type { Flag } from './flags.ts'
import type { FullId } from './ids.ts'

/**
 * Where heat is measured: where it leaves the data centre (M1 of docs/domain.md 7.3, E_REUSE), or
 * where it goes to the heat network behind the heat pump (M2). The second holds the first and the
 * electricity of the heat pump: the two are never added.
 */
export const HEAT_BOUNDARIES = ['handoff', 'delivered'] as const
export type Boundary = (typeof HEAT_BOUNDARIES)[number]

/** Settings of a meter that say where its heat is. */
export const HEAT_PLACES = ['town', 'dataCentre', 'heatNetwork', 'municipality'] as const
export type HeatPlace = (typeof HEAT_PLACES)[number]

/** What the places are called in the hourly series of InfluxDB; they keep these names. */
export const HEAT_SERIES_KEYS = {
  town: 'town',
  dataCentre: 'data_centre',
  heatNetwork: 'heat_network',
  municipality: 'municipality',
} as const satisfies Record<HeatPlace, string>
export type HeatSeriesKey = (typeof HEAT_SERIES_KEYS)[HeatPlace]

export const HEAT_GROUPINGS = [...HEAT_PLACES, 'device'] as const
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
