import type { Device } from '#lib/registry/registry.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import type { Format, FormatInput, FormatOutput, RefusedElement } from './format.ts'
import {
  hasEnergy,
  isEmpty,
  isMeter,
  meterDraft,
  meterIdOf,
  notMeter,
  type MeterKind,
} from './meters/meter.ts'
import { EVENT, outputOf, refuse } from './payload/output.ts'
import { numbersIn, readMeterJson, wrong, type Payload } from './meters/meter-json.ts'
import { METER_MEDIA, otherMedium } from './meters/meter-media.ts'
import { refusal } from './payload/native-element.ts'
import { isNoValue } from './payload/no-value.ts'
import { zoneOf } from './payload/stated-time.ts'
import { asCarried, ofSubDevice } from './payload/sub-device.ts'
import {
  ENERGY_UNITS,
  GIVEN_BACK,
  METERS,
  UNKNOWN_MEDIA,
  type MeterNames,
} from './wmbusmeters/names.ts'
import { statusOf } from './wmbusmeters/status.ts'
import { timeOf } from './wmbusmeters/telegram-time.ts'
import { describe, show } from './payload/wording.ts'

/** The JSON that wmbusmeters makes of M-Bus telegrams: flat, with the unit in each name. */
export const wmbusmeters: Format = {
  name: 'wmbusmeters',
  description: 'JSON of wmbusmeters: telegrams of heat, cooling and electricity meters.',
  parse,
}

function parse(input: FormatInput): FormatOutput {
  if (input.channel === 'status') return EVENT
  const carried = asCarried(input, 'heat_meter')
  return carried ? readMeterJson(carried, readCarried) : readMeterJson(input, read)
}

/** A receiver registered as gateway: each telegram names its meter, and mostly what it measures. */
function readCarried(telegram: Payload, _kind: MeterKind, input: FormatInput): FormatOutput {
  const id = meterIdOf(telegram['id'])
  if (id === null) return refuse(noId(telegram['id']))
  const medium = mediumOf(telegram['media'])
  const device = input.carried?.(id, medium === null ? null : kindOf(medium))
  const output = device ? readAs(device, telegram, input) : refuse(noKind(telegram['media']))
  return ofSubDevice(output, id)
}

function readAs(device: Device, telegram: Payload, input: FormatInput): FormatOutput {
  const { kind } = device
  return isMeter(kind) ? read(telegram, kind, { ...input, device }) : refuse(notMeter(kind))
}

/** Of a medium that is none of ours the reading then tells which there are. */
function kindOf(medium: string): MeterKind {
  return METER_MEDIA.energy_meter.has(medium) ? 'energy_meter' : 'heat_meter'
}

function noKind(media: unknown): RefusedElement {
  const expected = 'a medium that tells heat from electricity, or a registered sub-device'
  return refusal(-1, 'unknown_device', { path: ['media'], expected, got: show(media) })
}

function read(telegram: Payload, kind: MeterKind, input: FormatInput): FormatOutput {
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
  // A meter that only says what is wrong with it is heard too.
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
  return outputOf([meterDraft(kind, device, reading)])
}

const LONGEST_MEDIUM = 64

/** Null where the telegram does not tell what it measures; then the registered kind decides. */
function mediumOf(media: unknown): string | null {
  if (typeof media !== 'string') return null
  const medium = media.trim().toLowerCase().slice(0, LONGEST_MEDIUM)
  return UNKNOWN_MEDIA.has(medium) ? null : medium
}

type Values = Record<string, FieldValue>

/** The current values by their fields. Names of other days (target_, prev_, max_) are not ours. */
function valuesOf(
  telegram: Payload,
  { targets }: MeterNames,
  medium: string | null,
): { readonly values: Values; readonly problem: RefusedElement | null } {
  const values: Values = {}
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
    // A cooling meter calls its one register like the others do (docs/domain.md 3.3).
    const to = isCooling && target.to === 'energyKwh' ? 'coolingEnergyKwh' : target.to
    if (isNoValue(value) || target.rank >= (ranks[to] ?? Infinity)) continue
    ranks[to] = target.rank
    values[to] = converted
  }
  return { values: GIVEN_BACK in values ? netPower(values) : values, problem: null }
}

/** Drivers print both directions, and zero for the one that does not flow. */
function netPower({ [GIVEN_BACK]: givenBack, ...values }: Values): Values {
  const powerKw = Number(values['powerKw'] ?? 0) - Number(givenBack)
  return Number.isFinite(powerKw) ? { ...values, powerKw } : values
}

function noId(id: unknown): RefusedElement {
  const got = typeof id === 'string' || typeof id === 'number' ? show(id) : describe(id)
  return wrong('id', 'the number of the meter, text of 8 digits', got)
}

/** An energy that is there, in a unit that nobody has mapped yet (docs/domain.md 8.9). */
function unknownUnit(
  telegram: Payload,
  { targets, energyStems }: MeterNames,
): RefusedElement | null {
  for (const name in telegram) {
    if (typeof telegram[name] !== 'number' || targets.has(name)) continue
    const cut = name.lastIndexOf('_')
    const unit = name.slice(cut + 1)
    const isBare = energyStems.has(name)
    if (!isBare && (cut < 0 || !energyStems.has(name.slice(0, cut)) || OTHERS.has(unit))) continue
    const expected = `an energy in ${ENERGY_UNITS.join(', ')}`
    const got = isBare ? 'no unit in the name' : show(unit)
    return refusal(-1, 'unit_unknown', { path: [name], expected, got })
  }
  return null
}

/** Units that tell of another quantity under a name like an energy. */
const OTHERS = new Set(['m3', 'l', 'm3h', 'lh', 'kw', 'c', 'h', 'counter'])

function nothingIn(telegram: Payload, kind: MeterKind): RefusedElement {
  const expected = `a value of ${kind}, such as total_energy_consumption_kwh`
  return wrong('', expected, numbersIn(telegram))
}
