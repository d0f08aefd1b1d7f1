import type { FieldValue } from '#lib/telemetry/field.ts'
import { isClockSet } from './clock.ts'
import { meaningOf, type Meaning, type Quantity } from './quantity.ts'
import { mbusNumber } from './number.ts'
import type { MbusRecord } from './records.ts'
import { mbusStatus } from './status.ts'
import type { MeterStatus } from '../meters/meter-status.ts'
import type { MeterKind } from '../meters/meter.ts'
import { convert } from '../payload/units.ts'

/** Device types of M-Bus (EN 13757-7) by the names wmbusmeters has for them. */
const MEDIA: Readonly<Record<number, string>> = {
  0x01: 'oil',
  0x02: 'electricity',
  0x03: 'gas',
  0x04: 'heat',
  0x05: 'steam',
  0x06: 'warm water',
  0x07: 'water',
  0x08: 'heat cost allocation',
  0x09: 'compressed air',
  0x0a: 'cooling load volume at outlet',
  0x0b: 'cooling load volume at inlet',
  0x0c: 'heat volume at inlet',
  0x0d: 'heat/cooling load',
  0x15: 'hot water',
  0x16: 'cold water',
  0x17: 'dual register (hot/cold) water meter',
  0x18: 'pressure',
  0x19: 'a/d converter',
  0x1a: 'smoke detector',
  0x1b: 'room sensor',
  0x1c: 'gas detector',
  0x28: 'waste water',
  0x29: 'garbage',
  0x2a: 'carbon dioxide',
}

/**
 * Null where the telegram does not say what it measures ("other", "unknown", converters, repeaters,
 * reserved codes): the registered kind decides.
 */
export function mediumName(code: number): string | null {
  return MEDIA[code] ?? null
}

type Fields = Readonly<Partial<Record<Quantity, string>>>

const FIELDS: Readonly<Record<MeterKind, Fields>> = {
  heat_meter: {
    volume: 'volumeM3',
    flow: 'volumeFlowM3h',
    power: 'powerKw',
    tFlow: 'tFlowC',
    tReturn: 'tReturnC',
    operatingTime: 'operatingHoursH',
    onTime: 'operatingHoursH',
    e8: 'e8M3c',
    e9: 'e9M3c',
  },
  energy_meter: {
    energy: 'energyKwh',
    power: 'powerKw',
    voltage: 'voltageV',
    current: 'currentA',
    frequency: 'frequencyHz',
  },
}

/** Exported energy has its own register; the exported power is subtracted below. */
const EXPORTED_POWER = 'exportedPowerKw'
const BACKWARD: Fields = { energy: 'exportedEnergyKwh', power: EXPORTED_POWER }

export interface Meter {
  readonly kind: MeterKind
  readonly medium: string | null
  readonly manufacturer: number
  /** The field of the plain register: of a cooling meter it is cooling energy. */
  readonly register: 'energyKwh' | 'coolingEnergyKwh'
}

/** A current record with a known meaning. */
interface CurrentRecord extends Meaning {
  readonly to: string | null
  readonly value: number | null
  readonly isError: boolean
  readonly data: Uint8Array
}

export interface TelegramValues {
  readonly values: Readonly<Record<string, FieldValue>>
  readonly status: MeterStatus
}

/**
 * The current values of a telegram by their fields; of several records for one field the first
 * counts. Stored values, maxima, tariffs and sub-units are no current value of the meter itself.
 */
export function mbusValues(
  records: readonly MbusRecord[],
  meter: Meter,
  status: number | null,
): TelegramValues {
  const current = records.flatMap((record) => currentRecord(record, meter))
  const codeOf = (quantity: Quantity) =>
    current.find((one) => one.quantity === quantity)?.value ?? null
  const stated = {
    status,
    errorFlags: codeOf('errorFlags'),
    infoCode: codeOf('infoCode'),
    isClockUnset: current.some(({ quantity, data }) => quantity === 'clock' && !isClockSet(data)),
    hasErrorDisplay: current.some(({ to, isError }) => to !== null && isError),
  }
  return { values: valuesOf(current), status: mbusStatus(stated) }
}

function currentRecord(record: MbusRecord, meter: Meter): readonly CurrentRecord[] {
  if (!record.isCurrent || record.subunit !== 0) return []
  const meaning = meaningOf(record.vib, meter.manufacturer)
  if (!meaning) return []
  const number = mbusNumber(record.coding, record.data)
  const to = fieldOf(meaning, record.tariff, meter)
  return [{ ...meaning, ...number, to, data: record.data }]
}

function valuesOf(current: readonly CurrentRecord[]): Record<string, FieldValue> {
  const values: Record<string, FieldValue> = {}
  // The operating hours come before the hours of power supply.
  const isOnTime = ({ quantity }: CurrentRecord) => Number(quantity === 'onTime')
  for (const { to, value, factor } of current.toSorted((a, b) => isOnTime(a) - isOnTime(b))) {
    if (to !== null && value !== null) values[to] ??= convert(value, factor)
  }
  const { [EXPORTED_POWER]: exported, ...others } = values
  if (exported === undefined) return values
  return { ...others, powerKw: Number(others['powerKw'] ?? 0) - Number(exported) }
}

function fieldOf(meaning: Meaning, tariff: number, meter: Meter): string | null {
  const { quantity, isBackward, phase } = meaning
  if (meter.kind === 'energy_meter') {
    if (tariff !== 0) return null
    if (isBackward) return phase === 0 ? (BACKWARD[quantity] ?? null) : null
    if (phase === 0) return FIELDS.energy_meter[quantity] ?? null
    if (quantity === 'voltage') return `voltage${phase}V`
    return quantity === 'current' ? `current${phase}A` : null
  }
  // A combined meter counts cooling as the negative part, or in tariff 1 (OMS volume 2).
  const isCooling = meter.medium === BOTH && quantity === 'energy' && isBackward !== (tariff === 1)
  if (isCooling && tariff <= 1) return 'coolingEnergyKwh'
  if (tariff !== 0 || isBackward || phase !== 0) return null
  return quantity === 'energy' ? meter.register : (FIELDS.heat_meter[quantity] ?? null)
}

const BOTH = 'heat/cooling load'
