import { z } from 'zod'
import { energyUnit, mappingSetting } from '#lib/telemetry/shared-settings.ts'
import type { Device } from '#lib/registry/registry.ts'
import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import type { FieldDefinition } from '#lib/telemetry/field.ts'
import { hashText } from '#lib/telemetry/hash.ts'
import { RADIO_FIELDS } from '#lib/telemetry/radio.ts'
import type { Format, FormatInput, FormatOutput, ParsedElement, RefusedElement } from './format.ts'
import { native } from './native.ts'
import { isNativeReading } from './native/native-reading.ts'
import { readElement } from './native/read-element.ts'
import { hiddenFault } from './payload/fault-refusal.ts'
import { parseJson } from './payload/parse-json.ts'
import { isEmpty, isProblem } from './payload/problem.ts'
import { show, showNames, showPath } from './payload/reason.ts'
import { EVENT, outputOf, refusal, refuse } from './payload/refusal.ts'
import { registeredEnergyUnit } from './payload/units.ts'
import { decodeCbor } from './senml/cbor.ts'
import { resolvePack, type Resolved } from './senml/resolve.ts'
import { inUnit, unitsFor } from './senml/units.ts'

/** Sensor Measurement Lists, for devices without a convention of their own. */
export const senml: Format = {
  name: 'senml',
  description: 'SenML (RFC 8428) in JSON or CBOR: records named after the fields of the device.',
  settings: {
    energyUnit,
    senml: mappingSetting(
      z.string().min(1).max(64),
      'an object such as {"WMZ1.Q":"energyKwh"}',
      'The field that each name of the payload means.',
    ),
  },
  parse,
}

function parse(input: FormatInput): FormatOutput {
  const { device, message, channel } = input
  if (channel === 'status') return EVENT
  if (device.kind === 'gateway') return refuse(ofGateway())
  const { payload } = message
  const isCbor = isCborArray(payload[0])
  const decoded = isCbor ? cborOf(payload) : jsonOf(payload)
  if ('reason' in decoded) return refuse(decoded)
  if (!isCbor && isNativeReading(channel, decoded.value)) return native.parse(input)
  const records = resolvePack(decoded.value)
  if (isProblem(records)) return refuse(refusal(-1, 'schema', records))
  return read(records, device.kind, input)
}

/** A pack is an array, and JSON cannot begin with the first byte of a CBOR array. */
function isCborArray(first: number | undefined): boolean {
  return first !== undefined && first >= 0x80 && first <= 0x9f
}

type Decoded = { readonly value: unknown } | RefusedElement

function cborOf(payload: Uint8Array): Decoded {
  const decoded = decodeCbor(payload)
  if ('value' in decoded) return decoded
  const got = `${decoded.fault}, at byte ${decoded.at}`
  return refusal(-1, 'malformed', { path: [], expected: 'CBOR as SenML has it (RFC 8428)', got })
}

function jsonOf(payload: Uint8Array): Decoded {
  const json = parseJson(payload)
  return 'reason' in json ? json : (hiddenFault(json) ?? json)
}

/** Records of the same time form one reading. */
interface Group {
  readonly timeNs: bigint | null
  readonly data: Record<string, unknown>
  readonly radio: Record<string, unknown>
  readonly found: Found[]
}

function read(records: readonly Resolved[], kind: Kind, input: FormatInput): FormatOutput {
  const refused: RefusedElement[] = []
  const found: Found[] = []
  for (const record of records) {
    const target = targetOf(record.name, kind, input.device.settings)
    if (!target) continue
    const value = valueOf(record, target, input.device.settings)
    if (isRefusal(value)) refused.push(value)
    else found.push({ record, target, value, timeNs: timeOf(record, input) })
  }
  if (found.length === 0 && refused.length === 0) return refuse(nothingFor(kind, records))
  const { elements, refused: broken } = outputOf(groupsOf(found).map((one) => elementOf(one, kind)))
  return { elements, refused: [...refused, ...broken] }
}

/** The field that a record becomes. */
interface Target {
  readonly name: string
  readonly part: 'data' | 'radio'
  readonly field: FieldDefinition
  /** Our own name, which ends with its unit; else the registry maps the name (`senml`). */
  readonly isOurName: boolean
}

/**
 * The field of a record: the one the registry maps its whole name or its last part to
 * (`{"senml":{"WMZ1.Q":"energyKwh"}}`), else its last part where that is a field of ours.
 */
function targetOf(name: string, kind: Kind, { senml: given }: Device['settings']): Target | null {
  const last = name.slice(Math.max(...[':', '/', '.'].map((sign) => name.lastIndexOf(sign))) + 1)
  const mapped = mappedTo(given, name) ?? mappedTo(given, last)
  const field = mapped ?? last
  const isOurName = mapped === null
  const own: Readonly<Record<string, FieldDefinition>> = KINDS[kind].fields
  const ofRadio: Readonly<Record<string, FieldDefinition>> = RADIO_FIELDS
  if (Object.hasOwn(own, field) && own[field]) {
    return { name: field, part: 'data', field: own[field], isOurName }
  }
  if (!Object.hasOwn(ofRadio, field) || !ofRadio[field]) return null
  return { name: field, part: 'radio', field: ofRadio[field], isOurName }
}

function mappedTo(given: unknown, name: string): string | null {
  if (typeof given !== 'object' || given === null || !Object.hasOwn(given, name)) return null
  const field: unknown = Reflect.get(given, name)
  return typeof field === 'string' ? field : null
}

const LABEL_OF = { number: 'v', string: 'vs', boolean: 'vb' } as const

/** The value in the unit of its field. */
function valueOf(
  record: Resolved,
  { name, field, isOurName }: Target,
  settings: Device['settings'],
): number | string | boolean | RefusedElement {
  const { elementIndex, label, value, unit } = record
  if (label !== LABEL_OF[field.type]) {
    const expected = `${LABEL_OF[field.type]}, a ${field.type} for ${name}`
    return refusal(elementIndex, 'schema', { path: [label], expected, got: label })
  }
  // `resolvePack` has checked the type of each label.
  if (typeof value !== 'number') return value as string | boolean
  if (unit === null && isOurName) return value
  const energy = unit === null && field.unit === 'kWh' ? registeredEnergyUnit(settings) : null
  const converted = energy ? (value * energy[0]) / energy[1] : inUnit(value, unit ?? '', field.unit)
  if (converted !== null && Number.isFinite(converted)) return converted
  const expected = `${name} in ${unitsFor(field.unit).join(', ')}`
  const got = unit === null ? 'no unit' : show(unit)
  return refusal(elementIndex, 'unit_unknown', { path: ['u'], expected, got })
}

function isRefusal(value: number | string | boolean | RefusedElement): value is RefusedElement {
  return typeof value === 'object'
}

/** A time of zero means now, the receive time; one below 2^28 s is relative to it. */
function timeOf({ timeNs, isRelative }: Resolved, { message }: FormatInput): bigint | null {
  if (!isRelative) return timeNs
  return timeNs === 0n ? null : message.receivedAtNs + timeNs
}

interface Found {
  readonly record: Resolved
  readonly target: Target
  readonly value: number | string | boolean
  readonly timeNs: bigint | null
}

/** Two values of one field and time are two readings: none is lost. */
function groupsOf(found: readonly Found[]): readonly Group[] {
  const groups = new Map<string, Group>()
  const counts = new Map<string, number>()
  for (const one of found) {
    const { target, value, timeNs } = one
    const { part, name } = target
    const field = `${timeNs} ${part} ${name}`
    const count = counts.get(field) ?? 0
    counts.set(field, count + 1)
    const key = `${timeNs} ${count}`
    const group = groups.get(key) ?? { timeNs, data: {}, radio: {}, found: [] }
    groups.set(key, group)
    group[part][name] = value
    group.found.push(one)
  }
  return [...groups.values()]
}

/** Validated like a native reading of the same values: types, sentinels, ranges, half positions. */
function elementOf(
  { timeNs, data, radio, found }: Group,
  own: Kind,
): ParsedElement | RefusedElement {
  const elementIndex = found[0]?.record.elementIndex ?? 0
  const kind = isEmpty(data) ? 'radio' : own
  const parts = found.map(({ record: { name, unit, value } }) => [name, unit, value])
  const hash = hashText(JSON.stringify(parts))
  const result = readElement({ v: 1, kind, data, radio }, { elementIndex, own, hash })
  if ('reason' in result) return atRecord(result, found)
  return { ...result, timeNs, timePath: showPath([elementIndex, 't']) }
}

/** A refusal of a field, with the path of its record, or with its name where no record has it. */
function atRecord(refused: RefusedElement, found: readonly Found[]): RefusedElement {
  const field = refused.path.slice(refused.path.lastIndexOf('.') + 1)
  const record = found.find(({ target }) => target.name === field)?.record
  if (record) return { ...refused, path: showPath([record.elementIndex, record.label]) }
  const expected = `${field}: ${refused.expected}`
  return { ...refused, path: showPath([refused.elementIndex]), expected }
}

function nothingFor(kind: Kind, records: readonly Resolved[]): RefusedElement {
  const [example = ''] = Object.keys(KINDS[kind].fields)
  const expected = `a record whose name ends with a field of ${kind}, such as ${example}, or that the setting senml maps to one`
  const names = showNames(records.map(({ name }) => name))
  const got = records.length === 0 ? 'no value' : `only ${names}`
  return refusal(-1, 'schema', { path: [], expected, got })
}

function ofGateway(): RefusedElement {
  const expected = 'readings of its sub-devices: a gateway has none of its own'
  return refusal(-1, 'kind', { path: [], expected, got: 'a device of kind gateway' })
}
