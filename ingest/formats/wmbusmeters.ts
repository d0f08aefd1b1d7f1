import { FLAGS } from '#lib/telemetry/flags.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import type { Device } from '#lib/registry/registry.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import { createAcceptor } from '#lib/telemetry/values.ts'
import type { Format, FormatInput, FormatOutput, RefusedItem } from './format.ts'
import { parseJson } from './reading/json-text.ts'
import { isRecord, refusal } from './reading/native-element.ts'
import { native } from './native.ts'
import { hiddenFault } from './reading/hidden-fault.ts'
import { isNativeReading } from './reading/native-reading.ts'
import { zoneOf } from './reading/stated-time.ts'
import {
  ENERGY_UNITS,
  GIVEN_BACK,
  METERS,
  UNKNOWN_MEDIA,
  type MeterNames,
} from './wmbusmeters/names.ts'
import { isNoValue } from './wmbusmeters/no-value.ts'
import { statusOf } from './wmbusmeters/status.ts'
import { timeOf } from './wmbusmeters/telegram-time.ts'
import { describe, show } from './reading/wording.ts'

/** The JSON that wmbusmeters makes of M-Bus telegrams: flat, with the unit in each name. */
export const wmbusmeters: Format = {
  name: 'wmbusmeters',
  description: 'JSON of wmbusmeters: telegrams of heat, cooling and electricity meters.',
  parse,
}

type Telegram = Readonly<Record<string, unknown>>
type MeterKind = keyof typeof METERS

const EVENT: FormatOutput = { drafts: [], refused: [] }

function parse(input: FormatInput): FormatOutput {
  const { device, message, channel } = input
  if (channel === 'status') return EVENT
  const { value, text, problem } = parseJson(message.payload)
  if (problem) return refuse(problem)
  if (isNativeReading(channel, value)) return native.parse(input)
  const { kind } = device
  if (!isMeter(kind)) return refuse(notMeter(kind))
  if (!isRecord(value)) return refuse(wrong('', 'object', describe(value)))
  const hidden = hiddenFault(message.payload, text, value)
  if (hidden) return refuse(hidden)
  return read(value, kind, input)
}

function read(telegram: Telegram, kind: MeterKind, input: FormatInput): FormatOutput {
  const { device, message, timezone } = input
  const names = METERS[kind]
  const medium = mediumOf(telegram['media'])
  if (medium !== null && !names.media.has(medium)) return refuse(otherMedium(telegram, kind))
  const id = idOf(telegram['id'])
  if (id === null) return refuse(noId(telegram['id']))
  const time = timeOf(telegram, { own: zoneOf(device.settings['timezone']), platform: timezone })
  if ('expected' in time) return refuse(wrong(time.path, time.expected, time.got))
  const { values, problem } = valuesOf(telegram, names, medium)
  if (problem) return refuse(problem)
  const unit = hasEnergy(values) ? null : unknownUnit(telegram, names)
  if (unit) return refuse(unit)
  const { text, isFaulty } = statusOf(telegram)
  // A meter that only says what is wrong with it is heard too.
  if (isEmpty(values) && !isFaulty) return refuse(nothingIn(telegram, kind))
  if (text !== null) values['status'] = text
  if (medium !== null) values['medium'] = medium
  values['meterId'] = id
  const accepted = ACCEPT[kind](values)
  if (!accepted) throw new Error('the names of wmbusmeters let a value pass that its kind refuses')
  let flags = time.flags | accepted.flags
  if (isFaulty) flags |= FLAGS.sensor_error
  if (isOther(id, device)) flags |= FLAGS.identity_mismatch
  const { fields } = accepted
  const { timeNs } = time
  const hash = hashBytes(message.payload)
  return {
    drafts: [{ item: -1, kind, seq: null, timeNs, flags, fields, radio: null, hash }],
    refused: [],
  }
}

const ACCEPT = {
  heat_meter: createAcceptor(KINDS.heat_meter.fields),
  energy_meter: createAcceptor(KINDS.energy_meter.fields),
}

function isMeter(kind: Device['kind']): kind is MeterKind {
  return Object.hasOwn(METERS, kind)
}

const LONGEST_MEDIUM = 64

/** Null where the telegram does not tell what it measures; then the registered kind decides. */
function mediumOf(media: unknown): string | null {
  if (typeof media !== 'string') return null
  const medium = media.trim().toLowerCase().slice(0, LONGEST_MEDIUM)
  return UNKNOWN_MEDIA.has(medium) ? null : medium
}

/** Eight digits; wired meters may have other signs. */
const ID = /^[\w.:-]{1,64}$/
const ID_DIGITS = 8

/** As text: a number has lost the zeros in front. */
function idOf(id: unknown): string | null {
  const text = Number.isSafeInteger(id) ? String(id) : id
  if (typeof text !== 'string' || !ID.test(text)) return null
  return text.padStart(ID_DIGITS, '0').toUpperCase()
}

/** The topic says which device it is (domain.md 8.5); another meter behind it is flagged. */
function isOther(id: string, { settings }: Device): boolean {
  const known = idOf(settings['meterId'])
  return known !== null && known !== id
}

type Values = Record<string, FieldValue>

/** The current values by their fields. Names of other days (target_, prev_, max_) are not ours. */
function valuesOf(
  telegram: Telegram,
  { targets }: MeterNames,
  medium: string | null,
): { readonly values: Values; readonly problem: RefusedItem | null } {
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
    // A cooling meter calls its one register like the others do (domain.md 3.3).
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

function isEmpty(values: Readonly<Record<string, unknown>>): boolean {
  for (const name in values) if (Object.hasOwn(values, name)) return false
  return true
}

function refuse(item: RefusedItem): FormatOutput {
  return { drafts: [], refused: [item] }
}

function wrong(path: string, expected: string, got: string): RefusedItem {
  return refusal(-1, 'schema', { path: path === '' ? [] : [path], expected, got })
}

function notMeter(kind: Device['kind']): RefusedItem {
  const expected =
    kind === 'gateway'
      ? 'a registered meter: give each meter of the gateway a device with its topic'
      : 'a device registered as heat_meter or energy_meter'
  return refusal(-1, 'kind', { path: [], expected, got: `a device of kind ${kind}` })
}

function otherMedium({ media }: Telegram, kind: MeterKind): RefusedItem {
  const expected = `a medium of ${kind}: ${[...METERS[kind].media].join(', ')}`
  return refusal(-1, 'kind', { path: ['media'], expected, got: show(media) })
}

function noId(id: unknown): RefusedItem {
  const got = typeof id === 'string' || typeof id === 'number' ? show(id) : describe(id)
  return wrong('id', 'the number of the meter, text of 8 digits', got)
}

function hasEnergy(values: Values): boolean {
  return values['energyKwh'] !== undefined || values['coolingEnergyKwh'] !== undefined
}

/** An energy that is there, in a unit that nobody has mapped yet (domain.md 8.9). */
function unknownUnit(telegram: Telegram, { targets, energyStems }: MeterNames): RefusedItem | null {
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

const SHOWN_NAMES = 5

function nothingIn(telegram: Telegram, kind: MeterKind): RefusedItem {
  const numbers = Object.keys(telegram).filter((name) => typeof telegram[name] === 'number')
  const shown = numbers.slice(0, SHOWN_NAMES).map((name) => name.slice(0, 48))
  const got = shown.length === 0 ? 'no number' : `no current value, only ${shown.join(', ')}`
  return wrong('', `a value of ${kind}, such as total_energy_consumption_kwh`, got)
}
