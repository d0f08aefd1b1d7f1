import { heatCoefficient, heatPowerKw, type MeterTemperatures } from './heat-coefficient.ts'

export interface PowerCheckInput extends MeterTemperatures {
  readonly powerKw: number
  readonly volumeFlowM3h: number
  /** One digit of the power as the meter shows it, kW. */
  readonly displayStepKw: number
}

export interface PowerCheck {
  /** Flow times temperature difference times k. */
  readonly expectedKw: number
  /** Shown less expected. */
  readonly differenceKw: number
  readonly allowedKw: number
  /** `information`: at a small difference of temperature a mismatch is normal. */
  readonly verdict: 'plausible' | 'implausible' | 'information'
}

/** Below this difference of temperature a mismatch says nothing of the meter, K. */
const TELLING_FROM_K = 10
/** Error of a pair of temperature sensors, K. */
const TEMPERATURE_ERROR_K = 0.1
const RELATIVE_ERROR = 0.02

/**
 * Whether the power that a meter shows is that of its flow and temperatures: `|P - q dT k|` within
 * the largest of 2 %, 0.1 K * q * k and one digit of the display (docs/domain.md 3.2). Null outside
 * the range of k.
 */
export function checkPower(input: PowerCheckInput): PowerCheck | null {
  const coefficient = heatCoefficient(input)
  const expectedKw = heatPowerKw(input.volumeFlowM3h, input)
  if (coefficient === null || expectedKw === null) return null
  const differenceKw = input.powerKw - expectedKw
  const allowedKw = Math.max(
    RELATIVE_ERROR * Math.abs(expectedKw),
    TEMPERATURE_ERROR_K * Math.abs(input.volumeFlowM3h) * coefficient,
    input.displayStepKw,
  )
  return { expectedKw, differenceKw, allowedKw, verdict: verdictOf() }

  function verdictOf(): PowerCheck['verdict'] {
    if (Math.abs(differenceKw) <= allowedKw) return 'plausible'
    const differenceK = Math.abs(input.tFlowC - input.tReturnC)
    return differenceK >= TELLING_FROM_K ? 'implausible' : 'information'
  }
}

/** Energy per volume that a heat meter can have counted, kWh/m3 (docs/domain.md 3.5). */
const ENERGY_PER_VOLUME_KWH_M3 = { min: 0.5, max: 100 } as const

export interface EnergyVolumeCheck {
  readonly kwhPerM3: number
  /** `implausible` mostly means a wrong unit, such as GJ read as kWh. */
  readonly verdict: 'plausible' | 'implausible'
}

/** E/V of two registers, or of their differences; null where no water has flowed. */
export function checkEnergyPerVolume(
  energyKwh: number,
  volumeM3: number,
): EnergyVolumeCheck | null {
  if (!(volumeM3 > 0)) return null
  const kwhPerM3 = energyKwh / volumeM3
  const { min, max } = ENERGY_PER_VOLUME_KWH_M3
  return { kwhPerM3, verdict: kwhPerM3 >= min && kwhPerM3 <= max ? 'plausible' : 'implausible' }
}

/** Temperatures that a heat meter can have, C, and how far the flow may be below the return, K. */
const TEMPERATURE_C = { min: -10, max: 180 } as const
const BACKWARD_K = 1

/**
 * Whether two temperatures can be those of a *heat* meter (docs/domain.md 3.5): in range, and the
 * flow not colder than the return by more than 1 K. A cooling meter is the other way round.
 */
export function checkTemperatures(tFlowC: number, tReturnC: number): 'plausible' | 'implausible' {
  const isInRange = [tFlowC, tReturnC].every(
    (celsius) => celsius >= TEMPERATURE_C.min && celsius <= TEMPERATURE_C.max,
  )
  return isInRange && tFlowC - tReturnC >= -BACKWARD_K ? 'plausible' : 'implausible'
}
