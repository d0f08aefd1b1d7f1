import { meterId, timezone } from '#lib/telemetry/shared-settings.ts'
import type { Device } from '#lib/registry/registry.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import type { Format, FormatInput, FormatOutput, RefusedElement } from './format.ts'
import { isMbusNoValue } from './meters/mbus-no-value.ts'
import { numbersIn, readMeterJson, wrong } from './meters/meter-json.ts'
import { METER_MEDIA, measuredMedium, otherMedium } from './meters/meter-media.ts'
import {
  hasEnergy,
  isMeter,
  meterElement,
  meterIdOf,
  notMeter,
  type MeterKind,
} from './meters/meter.ts'
import { isEmpty, type Values } from './payload/problem.ts'
import { describe, show } from './payload/reason.ts'
import { EVENT, outputOf, refusal, refuse } from './payload/refusal.ts'
import { zoneOf } from './payload/stated-time.ts'
import { asCarried, ofSubDevice } from './payload/sub-device.ts'
import { ENERGY_UNITS, EXPORTED_POWER, METERS, type MeterNames } from './wmbusmeters/names.ts'
import { statusOf } from './wmbusmeters/status.ts'
import { timeOf } from './wmbusmeters/telegram-time.ts'

/** The JSON that wmbusmeters makes of M-Bus telegrams: flat, with the unit in each name. */
export const wmbusmeters: Format = {
  name: 'wmbusmeters',
  description: 'JSON of wmbusmeters: telegrams of heat, cooling and electricity meters.',
  kinds: ['heat_meter', 'energy_meter'],
  fromGateway: true,
  settings: { meterId, timezone },
  version: 2,
  parse,
}

function parse(input: FormatInput): FormatOutput {
  if (input.channel === 'status') return EVENT
  const carried = asCarried(input, 'heat_meter')
  return carried ? readMeterJson(carried, readCarried) : readMeterJson(input, read)
}

/** A receiver registered as gateway: each telegram names its meter, and mostly its medium. */
function readCarried(telegram: Values, _kind: MeterKind, input: FormatInput): FormatOutput {
  const id = meterIdOf(telegram['id'])
  if (id === null) return refuse(noId(telegram['id']))
  const medium = mediumOf(telegram['media'])
  const device = input.carried?.(id, medium === null ? null : kindOf(medium))
  const output = device ? readAs(device, telegram, input) : refuse(noKind(telegram['media']))
  return ofSubDevice(output, id)
}

function readAs(device: Device, telegram: Values, input: FormatInput): FormatOutput {
  const { kind } = device
  return isMeter(kind) ? read(telegram, kind, { ...input, device }) : refuse(notMeter(kind))
}

/** An unknown medium is refused later, with the list of those that are known. */
function kindOf(medium: string): MeterKind {
  return METER_MEDIA.energy_meter.has(medium) ? 'energy_meter' : 'heat_meter'
}

function noKind(media: unknown): RefusedElement {
  const expected = 'a medium of heat or electricity, or a registered sub-device'
  return refusal(-1, 'unknown_device', { path: ['media'], expected, got: show(media) })
}

function read(telegram: Values, kind: MeterKind, input: FormatInput): FormatOutput {
  const { device, message, timezone } = input
  const names = METERS[kind]
  const medium = mediumOf(telegram['media'])
  if (medium !== null && !METER_MEDIA[kind].has(medium)) {
    return refuse(otherMedium('media', telegram['media'], kind))
  }
  const id = meterIdOf(telegram['id'])
  if (id === null) return refuse(noId(telegram['id']))
  const time = timeOf(telegram, { own: zoneOf(device.settings['timezone']), platform: timezone })
  if ('expected' in time) return refuse(wrong(time.path, time.expected, time.got))
  const { values, problem } = valuesOf(telegram, names, medium)
  if (problem) return refuse(problem)
  const unit = hasEnergy(values) ? null : unknownUnit(telegram, names)
  if (unit) return refuse(unit)
  const status = statusOf(telegram)
  // A faulty status alone is a reading too.
  if (isEmpty(values) && !status.isFaulty) return refuse(nothingIn(telegram, kind))
  const { timeNs, flags, path: timePath } = time
  const hash = hashBytes(message.payload)
  const reading = {
    elementIndex: -1,
    timeNs,
    timePath,
    flags,
    values,
    status,
    medium,
    meterId: id,
    hash,
  }
  return outputOf([meterElement(kind, device, reading)])
}

/** Null where the telegram names no medium; then the registered kind decides. */
function mediumOf(media: unknown): string | null {
  if (typeof media !== 'string') return null
  return measuredMedium(media.trim().toLowerCase())
}

type FieldValues = Record<string, FieldValue>

/**
 * The current values by their fields. Names of stored values (target_, prev_, max_) are not read.
 */
function valuesOf(
  telegram: Values,
  { targets }: MeterNames,
  medium: string | null,
): { readonly values: FieldValues; readonly problem: RefusedElement | null } {
  const values: FieldValues = {}
  const ranks: Record<string, number> = {}
  const isCooling = medium?.startsWith('cooling') ?? false
  for (const name in telegram) {
    const target = targets.get(name)
    const value = telegram[name]
    if (!target || value === null) continue
    const converted = typeof value === 'number' ? (value * target.times) / target.per : Number.NaN
    if (typeof value !== 'number' || !Number.isFinite(converted)) {
      const got = typeof value === 'number' ? 'a number too large' : describe(value)
      return { values, problem: wrong(name, 'number', got) }
    }
    // A cooling meter gives its register the same name as the others (docs/domain.md 3.3).
    const to = isCooling && target.to === 'energyKwh' ? 'coolingEnergyKwh' : target.to
    if (isMbusNoValue(value) || target.rank >= (ranks[to] ?? Infinity)) continue
    ranks[to] = target.rank
    values[to] = converted
  }
  return { values: EXPORTED_POWER in values ? netPower(values) : values, problem: null }
}

/** Drivers print both directions, and zero for the one without flow. */
function netPower({ [EXPORTED_POWER]: exported, ...values }: FieldValues): FieldValues {
  const powerKw = Number(values['powerKw'] ?? 0) - Number(exported)
  return Number.isFinite(powerKw) ? { ...values, powerKw } : values
}

function noId(id: unknown): RefusedElement {
  const got = typeof id === 'string' || typeof id === 'number' ? show(id) : describe(id)
  return wrong('id', 'the number of the meter, text of 8 digits', got)
}

/** A refusal of an energy in a unit that is not known yet (docs/domain.md 8.9). */
function unknownUnit(
  telegram: Values,
  { targets, energyStems }: MeterNames,
): RefusedElement | null {
  for (const name in telegram) {
    if (typeof telegram[name] !== 'number' || targets.has(name)) continue
    const cut = name.lastIndexOf('_')
    const unit = name.slice(cut + 1)
    const isBare = energyStems.has(name)
    if (!isBare && (cut < 0 || !energyStems.has(name.slice(0, cut)) || OTHER_UNITS.has(unit)))
      continue
    const expected = `an energy in ${ENERGY_UNITS.join(', ')}`
    const got = isBare ? 'no unit in the name' : show(unit)
    return refusal(-1, 'unit_unknown', { path: [name], expected, got })
  }
  return null
}

/** Units that show another quantity under a name like that of an energy. */
const OTHER_UNITS = new Set(['m3', 'l', 'm3h', 'lh', 'kw', 'c', 'h', 'counter'])

function nothingIn(telegram: Values, kind: MeterKind): RefusedElement {
  const expected = `a value of ${kind}, such as total_energy_consumption_kwh`
  return wrong('', expected, numbersIn(telegram))
}
