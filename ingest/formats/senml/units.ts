import type { Factor, Units } from '../payload/units.ts'

const ONE: Factor = [1, 1]

/**
 * SenML units (RFC 8428, RFC 8798) by the unit of our fields they convert to, with units that
 * plants use and that are unambiguous although the registries leave them out.
 */
const INTO: Readonly<Record<string, Units>> = {
  kWh: {
    J: [1, 3_600_000],
    Wh: [1, 1000],
    MWh: [1000, 1],
    MJ: [1, 3.6],
    GJ: [1_000_000, 3600],
  },
  kW: { W: [1, 1000], MW: [1000, 1] },
  kvar: { var: [1, 1000] },
  m3: { l: [1, 1000] },
  'm3/h': { 'm3/s': [3600, 1], 'l/s': [3.6, 1], 'l/h': [1, 1000] },
  h: { s: [1, 3600], min: [1, 60] },
  ms: { s: [1000, 1] },
  '%': { '%RH': ONE, '%EL': ONE, '/': [100, 1] },
  V: { mV: [1, 1000] },
  A: { mA: [1, 1000] },
  Hz: { MHz: [1_000_000, 1] },
  deg: { lat: ONE, lon: ONE, rad: [180, Math.PI] },
  rad: { deg: [Math.PI, 180] },
  m: { km: [1000, 1], mm: [1, 1000], cm: [1, 100] },
  kg: { g: [1, 1000] },
  'km/h': { 'm/s': [3.6, 1] },
  'm/s': { 'km/h': [1, 3.6] },
  By: { B: ONE },
  'Mbit/s': { 'bit/s': [1, 1_000_000] },
  '': { '/': ONE, count: ONE },
}

const KELVIN = 273.15

/** The value in the unit of our field; null where the given unit does not convert to it. */
export function inUnit(value: number, given: string, wanted: string): number | null {
  if (given === wanted) return value
  if (given === 'K' && wanted === 'Cel') return value - KELVIN
  const units = INTO[wanted]
  const factor = units && Object.hasOwn(units, given) ? units[given] : undefined
  return factor ? (value * factor[0]) / factor[1] : null
}

/** The units a field can be given in. */
export function unitsFor(wanted: string): readonly string[] {
  const others = [...Object.keys(INTO[wanted] ?? {}), ...(wanted === 'Cel' ? ['K'] : [])]
  return [...(wanted === '' ? [] : [wanted]), ...others]
}
