/**
 * Standard house of 130 m2, MWh per year (Forsyningstilsynet price statistics; docs/domain.md 7.4).
 */
const HOUSE_MWH_PER_YEAR = 18.1

/** Houses that an amount of heat supplies for a year: 1 GWh is 55.25 of them. */
export function homesSupplied(heatKwh: number, houseMwh: number = HOUSE_MWH_PER_YEAR): number {
  return heatKwh / 1000 / houseMwh
}

/** The three measuring points around a heat pump, over the same span (docs/domain.md 7.3). */
export interface HeatPumpEnergy {
  /** Q1: heat from the data centre, kWh. */
  readonly handoffKwh: number
  /** Q2: heat to the network, kWh. */
  readonly deliveredKwh: number
  /** W: electricity of the heat pump, kWh. */
  readonly electricityKwh: number
}

export interface HeatPumpFigures {
  /** COP = Q2 / W; null where the heat pump took no electricity. */
  readonly cop: number | null
  /** Q1 + W - Q2: heat lost on the way, or the error of three meters, kWh. */
  readonly lossesKwh: number
  /** `boundary`: more heat than went in, or less than the electricity alone would give. */
  readonly flag: 'boundary' | null
}

/**
 * Coefficient of performance and balance `Q2 = Q1 + W` of a heat pump (docs/domain.md 7.3). The
 * balance may fail by a part of Q2, for three meters have three errors.
 */
export function heatPumpFigures(
  { handoffKwh, deliveredKwh, electricityKwh }: HeatPumpEnergy,
  tolerance = 0.05,
): HeatPumpFigures {
  const cop = electricityKwh > 0 ? deliveredKwh / electricityKwh : null
  const lossesKwh = handoffKwh + electricityKwh - deliveredKwh
  const isImpossible = lossesKwh < -tolerance * deliveredKwh || (cop !== null && cop < 1)
  return { cop, lossesKwh, flag: isImpossible ? 'boundary' : null }
}

/** An emission factor is worth as much as its year and its source: they travel with it. */
export interface EmissionFactor {
  /** kg CO2e per MWh, which is g per kWh. */
  readonly kgPerMwh: number
  readonly year: number
  readonly source: string
}

export interface AvoidedEmissions {
  /** Negative where the heat pump causes more than the heat replaces. */
  readonly avoidedKg: number
  readonly unit: 'kg CO2e'
  readonly displaced: EmissionFactor
  readonly electricity: EmissionFactor
}

/** `Q2 * EF_displaced - W * EF_electricity` (docs/domain.md 7.4), with the factors it rests on. */
export function avoidedEmissions(
  { deliveredKwh, electricityKwh }: Pick<HeatPumpEnergy, 'deliveredKwh' | 'electricityKwh'>,
  factors: { readonly displaced: EmissionFactor; readonly electricity: EmissionFactor },
): AvoidedEmissions {
  const { displaced, electricity } = factors
  const avoidedKg =
    (deliveredKwh * displaced.kgPerMwh - electricityKwh * electricity.kgPerMwh) / 1000
  return { avoidedKg, unit: 'kg CO2e', displaced, electricity }
}
