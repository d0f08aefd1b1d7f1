import { energyUnit, medium, meterId } from '#lib/telemetry/shared-settings.ts'
import type { Device } from '#lib/registry/registry.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import { parseDeviceTime } from '#lib/telemetry/time.ts'
import type { Format, FormatInput, FormatOutput, RefusedElement } from './format.ts'
import { BARE_ENERGY, NAMES } from './kamstrup2mqtt/names.ts'
import { isMbusNoValue } from './meters/mbus-no-value.ts'
import { numbersIn, readMeterJson, wrong } from './meters/meter-json.ts'
import { statusOfText, UNKNOWN_STATUS, type MeterStatus } from './meters/meter-status.ts'
import { energyField, meterElement, meterIdOf, type MeterKind } from './meters/meter.ts'
import { isEmpty, type Values } from './payload/problem.ts'
import { describe } from './payload/reason.ts'
import { EVENT, outputOf, refusal, refuse } from './payload/refusal.ts'
import { convert, registeredEnergyUnit } from './payload/units.ts'

/**
 * Two small programs that read Kamstrup meters on the spot: kamstrup2mqtt over M-Bus (names in
 * capitals, the unit of the energy in its name) and kamstrup-402-mqtt over the optical eye (small
 * letters, no unit, no time, no number of the meter).
 */
export const kamstrup2mqtt: Format = {
  name: 'kamstrup2mqtt',
  description: 'JSON of kamstrup2mqtt (M-Bus) and of kamstrup-402-mqtt (optical eye).',
  kinds: ['heat_meter', 'energy_meter'],
  settings: { energyUnit, medium, meterId },
  parse,
}

/** Last levels of the topics with messages about the program, not about the meter. */
const PROGRAM_TOPICS = new Set(['status', 'counter', 'sw-version'])

function parse(input: FormatInput): FormatOutput {
  const { channel } = input
  if (PROGRAM_TOPICS.has(channel.slice(channel.lastIndexOf('/') + 1))) return EVENT
  return readMeterJson(input, read)
}

function read(payload: Values, kind: MeterKind, { device, message }: FormatInput): FormatOutput {
  const { timestamp } = payload
  const timeNs = timestamp === undefined || timestamp === null ? null : parseDeviceTime(timestamp)
  if (timeNs !== null && typeof timeNs !== 'bigint') {
    return refuse(wrong('timestamp', timeNs.expected, timeNs.got))
  }
  const { values, problem } = valuesOf(payload, kind, device.settings)
  if (problem) return refuse(problem)
  const status = statusOf(payload)
  // A faulty status alone is a reading too.
  if (isEmpty(values) && !status.isFaulty) {
    return refuse(wrong('', `a value of ${kind}, such as ENERGY_WH`, numbersIn(payload)))
  }
  const meterId = meterIdOf(payload['FABRICATION_NO'])
  const hash = hashBytes(message.payload)
  const time = { timeNs, timePath: 'timestamp', flags: 0 }
  const reading = { elementIndex: -1, ...time, values, status, medium: null, meterId, hash }
  return outputOf([meterElement(kind, device, reading)])
}

type FieldValues = Record<string, FieldValue>

function valuesOf(
  payload: Values,
  kind: MeterKind,
  settings: Device['settings'],
): { readonly values: FieldValues; readonly problem: RefusedElement | null } {
  const values: FieldValues = {}
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
    if (!isMbusNoValue(Number(value))) values[to] ??= converted
  }
  return { values, problem: null }
}

/** Zero means no error; the bits differ between the models. */
function statusOf(payload: Values): MeterStatus {
  const code = payload['ERROR_FLAGS']
  if (typeof code !== 'number') return UNKNOWN_STATUS
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
