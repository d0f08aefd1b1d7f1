import { downToStep, toStep } from './chance.ts'
import type { Step } from './model.ts'

export interface EnergyMeterState {
  readonly energyKwh: number
}

export interface EnergyMeterInput {
  readonly powerKw: number
}

/** Fields of kind `energy_meter`. */
export interface EnergyMeterOutput {
  readonly energyKwh: number
  readonly powerKw: number
  readonly voltageV: number
  readonly frequencyHz: number
}

/** An electricity meter behind current transformers: 1 kWh, 0.1 kW. */
export const stepEnergyMeter: Step<EnergyMeterState, EnergyMeterInput, EnergyMeterOutput> = (
  { energyKwh },
  { powerKw },
  dtMs,
  random,
) => {
  const state = { energyKwh: energyKwh + (powerKw * dtMs) / 3_600_000 }
  return {
    state,
    output: {
      energyKwh: downToStep(state.energyKwh, 1),
      powerKw: toStep(powerKw, 0.1),
      voltageV: toStep(400 + (random.next() - 0.5) * 6, 0.1),
      frequencyHz: toStep(50 + (random.next() - 0.5) * 0.06, 0.01),
    },
  }
}
