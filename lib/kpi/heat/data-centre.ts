/*
 * Figures of a data centre (docs/domain.md 7.1; Delegated Regulation (EU) 2024/1364, Annex III).
 * They are ratios of sums over the same span, in the local calendar year for the report.
 */

/** What was measured of a data centre over a span; null where it was not. */
export interface DataCentreEnergy {
  /** E_DC: all energy taken, kWh. */
  readonly totalKwh: number | null
  /** E_IT: energy of the IT equipment, kWh. */
  readonly itKwh: number | null
  /** E_REUSE: heat at the hand-off, used outside; never the heat after the heat pump, kWh. */
  readonly reusedKwh: number | null
  /** E_RES-TOT: renewable energy by guarantees, contracts and own plants, kWh. */
  readonly renewableKwh: number | null
  /** W_IN, m3. */
  readonly waterM3: number | null
}

export interface RatioFigure {
  /** Null where an input is missing or the divisor is zero. */
  readonly value: number | null
  readonly unit: '1' | 'l/kWh'
  /** `boundary`: impossible, so the meters do not measure at the boundary that they should. */
  readonly flag: 'boundary' | null
  readonly source: string
}

export interface DataCentreFigures {
  readonly pue: RatioFigure
  readonly wue: RatioFigure
  readonly erf: RatioFigure
  readonly ref: RatioFigure
  readonly ere: RatioFigure
}

/** All five figures; values beyond their range are flagged, not clipped (docs/domain.md 7.1). */
export function dataCentreFigures(energy: DataCentreEnergy): DataCentreFigures {
  return {
    pue: powerUsage(energy),
    wue: waterUsage(energy),
    erf: energyReuse(energy),
    ref: renewableShare(energy),
    ere: energyReuseEffectiveness(energy),
  }
}

/** PUE = E_DC / E_IT; below 1 the IT meter sees more than the whole. */
function powerUsage({ totalKwh, itKwh }: DataCentreEnergy): RatioFigure {
  const value = ratio(totalKwh, itKwh)
  const source = 'EN 50600-4-2, ISO/IEC 30134-2'
  return { value, unit: '1', flag: flagUnless(value, 1, Infinity), source }
}

/** WUE = W_IN / E_IT in l/kWh, which is m3/MWh. */
function waterUsage({ waterM3, itKwh }: DataCentreEnergy): RatioFigure {
  const value = ratio(waterM3 === null ? null : waterM3 * 1000, itKwh)
  const source = 'EN 50600-4-9, ISO/IEC 30134-9'
  return { value, unit: 'l/kWh', flag: flagUnless(value, 0, Infinity), source }
}

/** ERF = E_REUSE / E_DC; above 1 the heat is measured after the heat pump. */
function energyReuse({ reusedKwh, totalKwh }: DataCentreEnergy): RatioFigure {
  const value = ratio(reusedKwh, totalKwh)
  const source = 'EN 50600-4-6, ISO/IEC 30134-6'
  return { value, unit: '1', flag: flagUnless(value, 0, 1), source }
}

/** REF = E_RES-TOT / E_DC. */
function renewableShare({ renewableKwh, totalKwh }: DataCentreEnergy): RatioFigure {
  const value = ratio(renewableKwh, totalKwh)
  const source = 'EN 50600-4-3, ISO/IEC 30134-3'
  return { value, unit: '1', flag: flagUnless(value, 0, 1), source }
}

/** ERE = (E_DC - E_REUSE) / E_IT = PUE (1 - ERF); not part of the regulation. */
function energyReuseEffectiveness(energy: DataCentreEnergy): RatioFigure {
  const { totalKwh, reusedKwh, itKwh } = energy
  const netKwh = totalKwh === null || reusedKwh === null ? null : totalKwh - reusedKwh
  const value = ratio(netKwh, itKwh)
  return { value, unit: '1', flag: flagUnless(value, 0, Infinity), source: 'The Green Grid' }
}

/** The quotient; null where a part is missing or nothing is divided by. */
function ratio(part: number | null, whole: number | null): number | null {
  if (part === null || whole === null || !(whole > 0)) return null
  return part / whole
}

function flagUnless(value: number | null, min: number, max: number): RatioFigure['flag'] {
  return value === null || (value >= min && value <= max) ? null : 'boundary'
}
