/**
 * A value becomes one in the unit of its field as value x times / per: exact factors, so that no
 * rounded number is written anywhere.
 */
export type Factor = readonly [times: number, per: number]

export type Units = Readonly<Record<string, Factor>>

/**
 * Units by their name in small letters. Calories are those of the heat trade: 1 Gcal = 1163 kWh.
 */
export const ENERGY_TO_KWH: Units = {
  wh: [1, 1000],
  kwh: [1, 1],
  mwh: [1000, 1],
  gwh: [1_000_000, 1],
  j: [1, 3_600_000],
  kj: [1, 3600],
  mj: [1, 3.6],
  gj: [1_000_000, 3600],
  kcal: [1163, 1_000_000],
  mcal: [1163, 1000],
  gcal: [1163, 1],
}

/** In small letters MW is `mw`; no heat meter reports milliwatts. */
export const POWER_TO_KW: Units = {
  w: [1, 1000],
  kw: [1, 1],
  mw: [1000, 1],
  'kj/h': [1, 3600],
  'mj/h': [1, 3.6],
  'gj/h': [1_000_000, 3600],
}

export const VOLUME_TO_M3: Units = { m3: [1, 1], l: [1, 1000] }

export const FLOW_TO_M3H: Units = {
  'm3/h': [1, 1],
  'l/h': [1, 1000],
  'm3/s': [3600, 1],
  'l/s': [3.6, 1],
  'l/min': [60, 1000],
}

export const TIME_TO_H: Units = { s: [1, 3600], min: [1, 60], h: [1, 1], d: [24, 1] }

/** Whether a setting can be one side of a factor. */
export function isFactor(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
}

export function convert(value: number, [times, per]: Factor): number {
  return (value * times) / per
}

/** The unit of a name in any case. */
export function unitIn(units: Units, name: string): Factor | null {
  const known = name.trim().toLowerCase()
  return Object.hasOwn(units, known) ? (units[known] ?? null) : null
}

/** The registered unit of registers whose payload names none (`energyUnit`). */
export function registeredEnergyUnit(settings: Readonly<Record<string, unknown>>): Factor | null {
  const { energyUnit } = settings
  return typeof energyUnit === 'string' ? unitIn(ENERGY_TO_KWH, energyUnit) : null
}
