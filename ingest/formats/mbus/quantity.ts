import type { Factor } from '../payload/units.ts'

export type Quantity =
  | 'energy'
  | 'volume'
  | 'flow'
  | 'power'
  | 'tFlow'
  | 'tReturn'
  | 'onTime'
  | 'operatingTime'
  | 'voltage'
  | 'current'
  | 'frequency'
  | 'errorFlags'
  | 'infoCode'
  | 'e8'
  | 'e9'
  | 'clock'

export interface Meaning {
  readonly quantity: Quantity
  /** Into the unit of the field: kWh, m3, m3/h, kW, Cel, h, V, A, Hz. */
  readonly factor: Factor
  /** Backward flow: cooling of a combined meter, energy exported through an electricity meter. */
  readonly isBackward: boolean
  /** Of one phase, 1 to 3; 0 of all. */
  readonly phase: number
}

/** Codes from `first`, `count` of them: value x 10^(offset + n) x `per unit`. */
interface Row {
  readonly first: number
  readonly count: number
  readonly quantity: Quantity
  readonly offset: number
  readonly unit: Factor
}

const row = (
  first: number,
  count: number,
  quantity: Quantity,
  scale: { readonly offset: number; readonly unit?: Factor },
): Row => ({ first, count, quantity, offset: scale.offset, unit: scale.unit ?? [1, 1] })

const J_TO_KWH: Factor = [1, 3_600_000]

/** Primary VIFs (EN 13757-3, table 10) that become a field. */
const PRIMARY: readonly Row[] = [
  row(0x00, 8, 'energy', { offset: -6 }),
  row(0x08, 8, 'energy', { offset: 0, unit: J_TO_KWH }),
  row(0x10, 8, 'volume', { offset: -6 }),
  row(0x28, 8, 'power', { offset: -6 }),
  row(0x30, 8, 'power', { offset: 0, unit: J_TO_KWH }),
  row(0x38, 8, 'flow', { offset: -6 }),
  row(0x40, 8, 'flow', { offset: -7, unit: [60, 1] }),
  row(0x48, 8, 'flow', { offset: -9, unit: [3600, 1] }),
  row(0x58, 4, 'tFlow', { offset: -3 }),
  row(0x5c, 4, 'tReturn', { offset: -3 }),
  row(0x6d, 1, 'clock', { offset: 0 }),
]

/** After VIF FB (table 12): large units. */
const LARGE: readonly Row[] = [
  row(0x00, 2, 'energy', { offset: 2 }),
  row(0x08, 2, 'energy', { offset: 8, unit: J_TO_KWH }),
  row(0x0c, 4, 'energy', { offset: -1, unit: [1163, 1000] }),
  row(0x10, 2, 'volume', { offset: 2 }),
  row(0x28, 2, 'power', { offset: 2 }),
  row(0x30, 2, 'power', { offset: 8, unit: J_TO_KWH }),
  row(0x2c, 4, 'frequency', { offset: -3 }),
]

/** After VIF FD (table 14): electricity and the state of the meter. */
const OTHER: readonly Row[] = [
  row(0x17, 1, 'errorFlags', { offset: 0 }),
  row(0x40, 16, 'voltage', { offset: -9 }),
  row(0x50, 16, 'current', { offset: -12 }),
]

/** Seconds, minutes, hours, days. */
const DURATIONS: readonly Factor[] = [
  [1, 3600],
  [1, 60],
  [1, 1],
  [24, 1],
]

/** Records after VIF 7F or FF, by the manufacturer code (wmbusmeters, drivers kamheat and elf). */
const OF_MANUFACTURER: Readonly<Record<number, Readonly<Record<string, Quantity>>>> = {
  // KAM: the number after the VIF.
  0x2c2d: { '07': 'e8', '08': 'e9', '22': 'infoCode' },
  // APA: no number.
  0x0601: { '': 'errorFlags' },
}
const MANUFACTURER_VIF = 0x7f

/** The meaning of a record; null where it becomes no field, or a VIFE is unknown. */
export function meaningOf(vib: readonly number[], manufacturer: number): Meaning | null {
  const [vif = 0, first = 0] = vib
  if (vif === MANUFACTURER_VIF) {
    const quantity = OF_MANUFACTURER[manufacturer]?.[Buffer.from(vib.slice(1)).toString('hex')]
    return quantity ? { quantity, factor: [1, 1], isBackward: false, phase: 0 } : null
  }
  const isExtended = vib.length > 1 && (vif === 0x7b || vif === 0x7d)
  const found = isExtended
    ? rowIn(vif === 0x7b ? LARGE : OTHER, first)
    : (rowIn(PRIMARY, vif) ?? duration(vif))
  return found && modified(found, vib.slice(isExtended ? 2 : 1))
}

type Base = Pick<Meaning, 'quantity' | 'factor'>

function rowIn(rows: readonly Row[], code: number): Base | null {
  for (const { first, count, quantity, offset, unit } of rows) {
    if (code < first || code >= first + count) continue
    return { quantity, factor: scaled(unit, offset + code - first) }
  }
  return null
}

function duration(vif: number): Base | null {
  if (vif < 0x20 || vif > 0x27) return null
  const factor = DURATIONS[vif & 3]
  return factor ? { quantity: vif < 0x24 ? 'onTime' : 'operatingTime', factor } : null
}

/** Powers of ten on the side where they are whole, so that nothing is rounded. */
function scaled([times, per]: Factor, exponent: number): Factor {
  return exponent < 0 ? [times, per * 10 ** -exponent] : [times * 10 ** exponent, per]
}

const ONLY_POSITIVE = 0x3b
const ONLY_NEGATIVE = 0x3c
const TIMES_THOUSAND = 0x7d
const OF_PHASE = 0x7c

function modified(base: Base, vifes: readonly number[]): Meaning | null {
  let { factor } = base
  let isBackward = false
  let phase = 0
  for (let at = 0; at < vifes.length; at += 1) {
    const vife = vifes[at] ?? 0
    if (vife === ONLY_NEGATIVE) isBackward = true
    else if (vife === TIMES_THOUSAND) factor = scaled(factor, 3)
    else if (vife >= 0x70 && vife <= 0x77) factor = scaled(factor, vife - 0x76)
    else if (vife === OF_PHASE) {
      at += 1
      phase = vifes[at] ?? 0
      if (phase < 1 || phase > 3) return null
    } else if (vife !== ONLY_POSITIVE) return null
  }
  return { quantity: base.quantity, factor, isBackward, phase }
}
