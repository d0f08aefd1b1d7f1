import type { Factor } from '../payload/units.ts'

export interface Name {
  readonly to: string
  readonly factor: Factor
}

const AS_IT_IS: Factor = [1, 1]
const W_TO_KW: Factor = [1, 1000]
const S_TO_H: Factor = [1, 3600]

/** The register of kamstrup-402-mqtt: GJ, MWh or kWh as the meter is configured; it does not say. */
export const BARE_ENERGY = 'energy'

/**
 * Names of kamstrup2mqtt are those of the M-Bus decoder below it, in its units. Of those of
 * kamstrup-402-mqtt only the ones are read whose unit its manual tells; `power` is none of them.
 * Names with `_d1_t2` at their end are of sub-units and tariffs, `minflow_m` and the like of spans.
 */
export const NAMES: Readonly<Record<string, Name>> = {
  ENERGY_WH: { to: 'energyKwh', factor: [1, 1000] },
  ENERGY_J: { to: 'energyKwh', factor: [1, 3_600_000] },
  VOLUME: { to: 'volumeM3', factor: AS_IT_IS },
  VOLUME_FLOW: { to: 'volumeFlowM3h', factor: AS_IT_IS },
  VOLUME_FLOW_EXT: { to: 'volumeFlowM3h', factor: [60, 1] },
  VOLUME_FLOW_EXT_S: { to: 'volumeFlowM3h', factor: [3600, 1] },
  POWER_W: { to: 'powerKw', factor: W_TO_KW },
  POWER_J_H: { to: 'powerKw', factor: [1, 3_600_000] },
  FLOW_TEMPERATURE: { to: 'tFlowC', factor: AS_IT_IS },
  RETURN_TEMPERATURE: { to: 'tReturnC', factor: AS_IT_IS },
  OPERATING_TIME: { to: 'operatingHoursH', factor: S_TO_H },
  ON_TIME: { to: 'operatingHoursH', factor: S_TO_H },
  [BARE_ENERGY]: { to: 'energyKwh', factor: AS_IT_IS },
  volume: { to: 'volumeM3', factor: AS_IT_IS },
  flow: { to: 'volumeFlowM3h', factor: [1, 1000] },
  temp1: { to: 'tFlowC', factor: AS_IT_IS },
  temp2: { to: 'tReturnC', factor: AS_IT_IS },
  hourcounter: { to: 'operatingHoursH', factor: AS_IT_IS },
}
