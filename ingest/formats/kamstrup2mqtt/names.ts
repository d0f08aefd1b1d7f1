import type { Factor } from '../payload/units.ts'

/** The field a name becomes, and the factor into its unit. */
export interface Name {
  readonly to: string
  readonly factor: Factor
}

const UNCHANGED: Factor = [1, 1]
const W_TO_KW: Factor = [1, 1000]
const S_TO_H: Factor = [1, 3600]

/**
 * The register of kamstrup-402-mqtt: GJ, MWh or kWh as the meter is configured; it does not say.
 */
export const BARE_ENERGY = 'energy'

/**
 * kamstrup2mqtt has the names and units of the M-Bus decoder it uses. Of kamstrup-402-mqtt only the
 * names with a unit in its manual are read, which leaves out `power`. Names that end in `_d1_t2`
 * belong to sub-units and tariffs, `minflow_m` and the like to spans.
 */
export const NAMES: Readonly<Record<string, Name>> = {
  ENERGY_WH: { to: 'energyKwh', factor: [1, 1000] },
  ENERGY_J: { to: 'energyKwh', factor: [1, 3_600_000] },
  VOLUME: { to: 'volumeM3', factor: UNCHANGED },
  VOLUME_FLOW: { to: 'volumeFlowM3h', factor: UNCHANGED },
  VOLUME_FLOW_EXT: { to: 'volumeFlowM3h', factor: [60, 1] },
  VOLUME_FLOW_EXT_S: { to: 'volumeFlowM3h', factor: [3600, 1] },
  POWER_W: { to: 'powerKw', factor: W_TO_KW },
  POWER_J_H: { to: 'powerKw', factor: [1, 3_600_000] },
  FLOW_TEMPERATURE: { to: 'tFlowC', factor: UNCHANGED },
  RETURN_TEMPERATURE: { to: 'tReturnC', factor: UNCHANGED },
  OPERATING_TIME: { to: 'operatingHoursH', factor: S_TO_H },
  ON_TIME: { to: 'operatingHoursH', factor: S_TO_H },
  [BARE_ENERGY]: { to: 'energyKwh', factor: UNCHANGED },
  volume: { to: 'volumeM3', factor: UNCHANGED },
  flow: { to: 'volumeFlowM3h', factor: [1, 1000] },
  temp1: { to: 'tFlowC', factor: UNCHANGED },
  temp2: { to: 'tReturnC', factor: UNCHANGED },
  hourcounter: { to: 'operatingHoursH', factor: UNCHANGED },
}
