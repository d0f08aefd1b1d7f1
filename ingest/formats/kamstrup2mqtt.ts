import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import { parseDeviceTime } from '#lib/telemetry/time.ts'
import type { Device } from '#lib/registry/registry.ts'
import type { Format, FormatInput, FormatOutput, RefusedElement } from './format.ts'
import { BARE_ENERGY, NAMES } from './kamstrup2mqtt/names.ts'
import { energyField, isEmpty, meterDraft, meterIdOf, type MeterKind } from './meters/meter.ts'
import { EVENT, outputOf, refuse } from './payload/output.ts'
import { numbersIn, readMeterJson, wrong, type Payload } from './meters/meter-json.ts'
import { statusOfText, UNTOLD, type MeterStatus } from './meters/meter-status.ts'
import { refusal } from './payload/native-element.ts'
import { isNoValue } from './payload/no-value.ts'
import { convert, registeredEnergyUnit } from './payload/units.ts'
import { describe } from './payload/wording.ts'

/**
 * Two small programs that read Kamstrup meters on the spot: kamstrup2mqtt over M-Bus (names in
 * capitals, the unit of the energy in its name) and kamstrup-402-mqtt over the optical eye (small
 * letters, no unit, no time, no number of the meter).
 */
export const kamstrup2mqtt: Format = {
  name: 'kamstrup2mqtt',
  description: 'JSON of kamstrup2mqtt (M-Bus) and of kamstrup-402-mqtt (optical eye).',
  parse,
}

/** Last levels of topics on which the programs tell of themselves, not of the meter. */
const OF_PROGRAM = new Set(['status', 'counter', 'sw-version'])

function parse(input: FormatInput): FormatOutput {
  const { channel } = input
  if (OF_PROGRAM.has(channel.slice(channel.lastIndexOf('/') + 1))) return EVENT
  return readMeterJson(input, read)
}

function read(payload: Payload, kind: MeterKind, { device, message }: FormatInput): FormatOutput {
  const { timestamp } = payload
  const timeNs = timestamp === undefined || timestamp === null ? null : parseDeviceTime(timestamp)
  if (timeNs !== null && typeof timeNs !== 'bigint') {
    return refuse(wrong('timestamp', timeNs.expected, timeNs.got))
  }
  const { values, problem } = valuesOf(payload, kind, device.settings)
  if (problem) return refuse(problem)
  const status = statusOf(payload)
  // A meter that only says what is wrong with it is heard too.
  if (isEmpty(values) && !status.isFaulty) {
    return refuse(wrong('', `a value of ${kind}, such as ENERGY_WH`, numbersIn(payload)))
  }
  const meterId = meterIdOf(payload['FABRICATION_NO'])
  const hash = hashBytes(message.payload)
  const time = { timeNs, timePath: 'timestamp', flags: 0 }
  const reading = { elementIndex: -1, ...time, values, status, medium: null, meterId, hash }
  return outputOf([meterDraft(kind, device, reading)])
}

type Values = Record<string, FieldValue>

function valuesOf(
  payload: Payload,
  kind: MeterKind,
  settings: Device['settings'],
): { readonly values: Values; readonly problem: RefusedElement | null } {
  const values: Values = {}
  for (const [name, known] of Object.entries(NAMES)) {
    const value = payload[name]
    if (value === undefined || value === null) continue
    if (!Object.hasOwn(KINDS[kind].fields, known.to)) continue
    const factor = name === BARE_ENERGY ? registeredEnergyUnit(settings) : known.factor
    if (factor === null) return { values, problem: noUnit(settings['energyUnit']) }
    const converted = typeof value === 'number' ? convert(value, factor) : Number.NaN
    if (!Number.isFinite(converted)) {
      const got = typeof value === 'number' ? 'a number too large' : describe(value)
      return { values, problem: wrong(name, 'number', got) }
    }
    const to = known.to === 'energyKwh' ? energyField(null, settings) : known.to
    if (!isNoValue(Number(value))) values[to] ??= converted
  }
  return { values, problem: null }
}

/** Zero is a meter without errors; the bits mean something else on every model. */
function statusOf(payload: Payload): MeterStatus {
  const code = payload['ERROR_FLAGS']
  if (typeof code !== 'number') return UNTOLD
  return statusOfText(code === 0 ? 'OK' : `INFO_CODE_${code}`)
}

function noUnit(registered: unknown): RefusedElement {
  const expected = 'energyUnit of the device in the registry: kWh, MWh, GJ, ...'
  const got =
    registered === undefined
      ? 'a register without a unit, and none registered'
      : 'a unit that is none of energy'
  return refusal(-1, 'unit_unknown', { path: [BARE_ENERGY], expected, got })
}
