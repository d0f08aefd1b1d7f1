/*
 * Energy is counted in whole joules: every register unit in use, from 1 Wh to 1 Gcal, is a whole
 * number of them, so sums and differences of registers are exact in any unit
 * (docs/domain.md 3.2).
 */

/** Joules in one unit of a register. 1 Gcal is 1163 kWh (docs/domain.md 3.2). */
export const ENERGY_UNITS_J = {
  Wh: 3600n,
  kWh: 3_600_000n,
  MWh: 3_600_000_000n,
  GWh: 3_600_000_000_000n,
  MJ: 1_000_000n,
  GJ: 1_000_000_000n,
  Gcal: 4_186_800_000n,
} as const

export type EnergyUnit = keyof typeof ENERGY_UNITS_J

export function isEnergyUnit(value: unknown): value is EnergyUnit {
  return typeof value === 'string' && Object.hasOwn(ENERGY_UNITS_J, value)
}

const J_PER_KWH = 3_600_000

/** A register in kWh as whole joules; null where it is not a finite number of kWh. */
export function joulesOfKwh(energyKwh: number): bigint | null {
  const energyJ = Math.round(energyKwh * J_PER_KWH)
  return Number.isFinite(energyJ) ? BigInt(energyJ) : null
}

/** Joules in kWh, for results. */
export function kwhOfJoules(energyJ: bigint): number {
  return Number(energyJ) / J_PER_KWH
}
