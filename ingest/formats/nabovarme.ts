import { energyUnit, medium, meterId } from '#lib/telemetry/shared-settings.ts'
import type { Device } from '#lib/registry/registry.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import { parseDeviceTime } from '#lib/telemetry/time.ts'
import type { Format, FormatInput, FormatOutput, RefusedElement } from './format.ts'
import { aesKeyOf, keyProblem } from './meters/aes-key.ts'
import { isMbusNoValue } from './meters/mbus-no-value.ts'
import { wrong } from './meters/meter-json.ts'
import { UNKNOWN_STATUS } from './meters/meter-status.ts'
import {
  energyField,
  isMeter,
  meterElement,
  meterIdOf,
  notMeter,
  type MeterKind,
} from './meters/meter.ts'
import { decrypt, isEncrypted } from './nabovarme/decrypt.ts'
import { partsOf, quantityOf } from './nabovarme/sample-text.ts'
import { isEmpty } from './payload/problem.ts'
import { show } from './payload/reason.ts'
import { EVENT, outputOf, refusal, refuse } from './payload/refusal.ts'
import {
  convert,
  ENERGY_TO_KWH,
  FLOW_TO_M3H,
  POWER_TO_KW,
  registeredEnergyUnit,
  TIME_TO_H,
  unitIn,
  VOLUME_TO_M3,
  type Units,
} from './payload/units.ts'

/** MeterLogger of Nabovarme: a board in Kamstrup meters that sends text, encrypted on the wire. */
export const nabovarme: Format = {
  name: 'nabovarme',
  description: 'Text of Nabovarme MeterLogger, `t1=23.61 C&e1=56.726 MWh&`, clear or encrypted.',
  kinds: ['heat_meter', 'energy_meter'],
  settings: { energyUnit, medium, meterId },
  secrets: ['aesKey'],
  parse,
}

/** The names of a sample with their fields and units. `tdif`, `heap` and others become no field. */
const NAMES: Readonly<Record<string, { readonly to: string; readonly units: Units }>> = {
  e1: { to: 'energyKwh', units: ENERGY_TO_KWH },
  v1: { to: 'volumeM3', units: VOLUME_TO_M3 },
  flow1: { to: 'volumeFlowM3h', units: FLOW_TO_M3H },
  effect1: { to: 'powerKw', units: POWER_TO_KW },
  t1: { to: 'tFlowC', units: { c: [1, 1] } },
  t2: { to: 'tReturnC', units: { c: [1, 1] } },
  hr: { to: 'operatingHoursH', units: TIME_TO_H },
}

function parse(input: FormatInput): FormatOutput {
  const { device, message, channel } = input
  const { isEvent, serial, time } = topicOf(channel)
  if (isEvent) return EVENT
  const { kind } = device
  if (!isMeter(kind)) return refuse(notMeter(kind))
  const sample = sampleOf(input)
  if (typeof sample !== 'string') return refuse(sample)
  const { values, problem } = valuesOf(sample, kind, device.settings)
  if (problem) return refuse(problem)
  if (isEmpty(values)) {
    return refuse(wrong('', `a value of ${kind}, such as e1=56.726 MWh`, show(sample)))
  }
  const timeNs = time === null ? null : parseDeviceTime(Number(time))
  const hash = hashBytes(message.payload)
  return outputOf([
    meterElement(kind, device, {
      elementIndex: -1,
      timeNs: typeof timeNs === 'bigint' ? timeNs : null,
      // The topic has it, not the payload.
      timePath: '',
      flags: 0,
      values,
      status: UNKNOWN_STATUS,
      medium: null,
      meterId: meterIdOf(serial),
      hash,
    }),
  ])
}

interface Topic {
  /** A message about the board itself: `/version/v2/...`, `/wifi_status/v2/...`. */
  readonly isEvent: boolean
  readonly serial: string | null
  readonly time: string | null
}

/** `/sample/v2/<number of the meter>/<Unix time>`; a native channel has neither. */
function topicOf(channel: string): Topic {
  const levels = channel.split('/')
  const at = levels.findIndex((level, index) => index > 0 && /^v\d$/.test(level))
  if (at < 0) return { isEvent: channel === 'status', serial: null, time: null }
  const [serial = null, time = null] = levels.slice(at + 1)
  const isTime = time !== null && /^\d{1,12}$/.test(time)
  return { isEvent: levels[at - 1] !== 'sample', serial, time: isTime ? time : null }
}

/** The text of a payload, decrypted where it has to be. */
function sampleOf(input: FormatInput): string | RefusedElement {
  const { payload, topic } = input.message
  const clear = clearText(payload)
  if (clear !== null) return clear
  if (!isEncrypted(payload)) {
    const expected = 'text such as e1=56.726 MWh&, or an encrypted message of whole blocks'
    return malformed(expected, `${payload.length} bytes that are neither`)
  }
  const key = aesKeyOf(input)
  if (key === null || key === 'malformed') {
    const { expected, got } = keyProblem(key, 'the MeterLogger')
    return malformed(expected, got)
  }
  const opened = decrypt(payload, topic, key)
  if (opened === null) {
    const expected = 'a message sealed with the registered key for its topic'
    return malformed(expected, 'a MAC that does not fit: another key, another topic, or damage')
  }
  return clearText(opened) ?? malformed('text once decrypted', 'bytes that are no text')
}

/** The text up to the first zero byte; null where these bytes are no text. */
function clearText(bytes: Uint8Array): string | null {
  const end = bytes.indexOf(0)
  const text = Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('latin1')
  const isText = /^[\t\r\n\x20-\x7e]+$/.test(text) || bytes.length === 0
  // After the end of a clear text there are only zeros.
  return isText && (end < 0 || bytes.subarray(end).every((byte) => byte === 0)) ? text : null
}

type Values = Record<string, FieldValue>

function valuesOf(
  sample: string,
  kind: MeterKind,
  settings: Device['settings'],
): { readonly values: Values; readonly problem: RefusedElement | null } {
  const values: Values = {}
  const parts = partsOf(sample)
  if ('expected' in parts) {
    const path = parts.path === '' ? [] : [parts.path]
    return { values, problem: refusal(-1, 'malformed', { ...parts, path }) }
  }
  for (const [name, { to, units }] of Object.entries(NAMES)) {
    const text = parts.get(name)
    if (text === undefined || !Object.hasOwn(KINDS[kind].fields, to)) continue
    const quantity = quantityOf(text)
    if (!quantity) return { values, problem: wrong(name, 'a decimal and its unit', show(text)) }
    const { value, unit } = quantity
    const bare = to === 'energyKwh' ? registeredEnergyUnit(settings) : null
    const factor = unit === '' ? bare : unitIn(units, unit)
    if (!factor) return { values, problem: unknownUnit(name, Object.keys(units), unit) }
    if (isMbusNoValue(value)) continue
    values[to === 'energyKwh' ? energyField(null, settings) : to] = convert(value, factor)
  }
  return { values, problem: null }
}

function unknownUnit(name: string, units: readonly string[], unit: string): RefusedElement {
  const expected = `a value in ${units.join(', ')}`
  const got = unit === '' ? 'no unit' : show(unit)
  return refusal(-1, 'unit_unknown', { path: [name], expected, got })
}

function malformed(expected: string, got: string): RefusedElement {
  return refusal(-1, 'malformed', { path: [], expected, got })
}
