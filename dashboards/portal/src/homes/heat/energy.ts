import type { Heat } from '../../api/rows.ts'
import type { Formats } from '../../words/formats.ts'

export interface HeatSum {
  /** Of the groups that have a figure; null when none has. */
  readonly energyKwh: number | null
  /** Mean over the groups: a silent one lowers it. */
  readonly coverage: number | null
}

/** Sums rows of one boundary; handed-off and delivered heat are never added. */
export function sumOf(rows: readonly Pick<Heat, 'energyKwh' | 'coverage'>[]): HeatSum {
  const known = rows.flatMap(({ energyKwh }) => (energyKwh === null ? [] : [energyKwh]))
  const coverages = rows.map(({ coverage }) => coverage)
  return {
    energyKwh: known.length === 0 ? null : known.reduce((sum, kwh) => sum + kwh, 0),
    coverage: rows.length === 0 ? null : coverages.reduce((sum, one) => sum + one, 0) / rows.length,
  }
}

const KWH_PER_MWH = 1000
/** From here on MWh are easier to read. */
const MWH_FROM_KWH = 10_000

export type EnergyUnit = 'kWh' | 'MWh'

/** One unit for a whole column, so that its figures can be compared. */
export function energyUnit(energies: readonly (number | null)[]): EnergyUnit {
  return energies.some((kwh) => kwh !== null && kwh >= MWH_FROM_KWH) ? 'MWh' : 'kWh'
}

function energyIn(kwh: number | null, unit: EnergyUnit): number | null {
  return kwh === null || unit === 'kWh' ? kwh : kwh / KWH_PER_MWH
}

export function energyText(kwh: number | null, formats: Formats, unit = energyUnit([kwh])) {
  return { text: formats.number(energyIn(kwh, unit)), unit }
}
