import { waterAt } from './water.ts'

/** In which pipe the volume is measured: its water has the temperature of that pipe. */
export type FlowSensor = 'flow' | 'return'

export interface MeterTemperatures {
  readonly tFlowC: number
  readonly tReturnC: number
  readonly flowSensor: FlowSensor
}

/** Heat meters are calibrated for water at 16 bar (EN 1434-1 annex A). */
const PRESSURE_MPA = 1.6
const ZERO_C_IN_K = 273.15
const KWH_PER_KJ = 1 / 3600

/** Water that a heat meter may hold, C (docs/domain.md 3.5); frozen water has no k. */
const MIN_C = 0
const MAX_C = 180

/** Nearer to one another than this the difference of two enthalpies is rounding, K. */
const SMALLEST_K = 1e-3

/**
 * Heat coefficient k in kWh/(m3 K): `k = (h(t_f) - h(t_r)) / (v (t_f - t_r))`, IAPWS-IF97 at 16 bar,
 * v at the temperature of the flow sensor (EN 1434-1 annex A; docs/domain.md 3.2). For equal
 * temperatures the limit of it. Null outside 0..180 C, where a meter holds no liquid water. Water
 * only: glycol mixtures have another k.
 */
export function heatCoefficient({
  tFlowC,
  tReturnC,
  flowSensor,
}: MeterTemperatures): number | null {
  if (!isLiquid(tFlowC) || !isLiquid(tReturnC)) return null
  const sensorC = flowSensor === 'flow' ? tFlowC : tReturnC
  const isEqual = Math.abs(tFlowC - tReturnC) < SMALLEST_K
  const [warmC, coldC] = isEqual
    ? [Math.min(tFlowC + 0.5, MAX_C), Math.max(tFlowC - 0.5, MIN_C)]
    : [tFlowC, tReturnC]
  const enthalpyKjKg = waterAtC(warmC).enthalpyKjKg - waterAtC(coldC).enthalpyKjKg
  const kjM3k = enthalpyKjKg / (waterAtC(sensorC).volumeM3Kg * (warmC - coldC))
  return kjM3k * KWH_PER_KJ
}

/** Thermal power in kW, `P = q dT k` (docs/domain.md 3.2); negative when the heat flows back. */
export function heatPowerKw(volumeFlowM3h: number, temperatures: MeterTemperatures): number | null {
  const coefficient = heatCoefficient(temperatures)
  if (coefficient === null) return null
  return volumeFlowM3h * (temperatures.tFlowC - temperatures.tReturnC) * coefficient
}

/** Differences of the registers of a heat meter between two readings. */
export interface RegisterDeltas {
  readonly energyKwh: number
  readonly volumeM3: number
  /** Kamstrup E8 and E9: volume times flow and return temperature. */
  readonly e8M3c: number
  readonly e9M3c: number
}

/** Volume-weighted mean temperatures in C, dE8/dV and dE9/dV; null where no water flowed. */
export function meanTemperatures({ volumeM3, e8M3c, e9M3c }: Omit<RegisterDeltas, 'energyKwh'>): {
  readonly tFlowC: number
  readonly tReturnC: number
} | null {
  if (!(volumeM3 > 0)) return null
  return { tFlowC: e8M3c / volumeM3, tReturnC: e9M3c / volumeM3 }
}

/**
 * The coefficient that the meter used, kWh/(m3 K): `dE / (dE8 - dE9)` (docs/domain.md 3.2). Null
 * without a difference. A tenfold or hundredfold of k tells a wrong scaling of E8 and E9.
 */
export function impliedCoefficient({
  energyKwh,
  e8M3c,
  e9M3c,
}: Omit<RegisterDeltas, 'volumeM3'>): number | null {
  return e8M3c > e9M3c ? energyKwh / (e8M3c - e9M3c) : null
}

function isLiquid(temperatureC: number): boolean {
  return temperatureC >= MIN_C && temperatureC <= MAX_C
}

function waterAtC(temperatureC: number) {
  return waterAt(temperatureC + ZERO_C_IN_K, PRESSURE_MPA)
}
