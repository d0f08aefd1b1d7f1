import { fieldRule, mappingSetting } from '#lib/telemetry/shared-settings.ts'
import type { Device } from '#lib/registry/registry.ts'
import type { Kind } from '#lib/telemetry/catalogue.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import type { FormatInput, FormatOutput, RefusedElement } from '../format.ts'
import { readElement } from '../native/read-element.ts'
import { hiddenFault } from '../payload/fault-refusal.ts'
import { isProblem, isRecord, type Values } from '../payload/problem.ts'
import { readJson } from '../payload/read-json.ts'
import { describe, show, showPath } from '../payload/reason.ts'
import { EVENT, refusal, refuse } from '../payload/refusal.ts'
import { readStatedTime, zoneOf } from '../payload/stated-time.ts'
import { EXAMPLE, rulesOf, valuesOf } from './decoded-values.ts'

/** What the names of a payload formatter mean. */
export const UPLINK_SETTING = mappingSetting(
  fieldRule,
  `an object such as ${EXAMPLE}`,
  'The field that each decoded name means, and the factor to its unit.',
)

/** How a LoRaWAN network server names the parts of an uplink. */
export interface UplinkNames {
  /** The setting of a device that maps the names of its decoded payload. */
  readonly setting: string
  /** The product and its word for what decodes the bytes of a device. */
  readonly advice: string
  readonly decoded: readonly string[]
  readonly time: readonly string[]
  readonly counter: readonly string[]
}

/** The parts as they came. */
export interface Uplink {
  readonly decoded: unknown
  readonly time: unknown
  readonly counter: unknown
  /** The payload names another device than the topic. */
  readonly isOtherDevice: boolean
}

/** How the JSON of every network server begins: a message of one end device goes to `read`. */
export function readNetworkJson(
  input: FormatInput,
  read: (payload: Values, kind: Kind) => FormatOutput,
): FormatOutput {
  if (input.channel === 'status') return EVENT
  return readJson(input, (json) => {
    const { kind } = input.device
    if (kind === 'gateway') return refuse(ofGateway())
    const hidden = hiddenFault(json)
    if (hidden) return refuse(hidden)
    const { value } = json
    return isRecord(value) ? read(value, kind) : refuse(wrong([], 'object', describe(value)))
  })
}

/** The reading of one uplink, from what the codec of its device made of the bytes. */
export function readUplink(
  uplink: Uplink,
  names: UplinkNames,
  kind: Kind,
  { device, message }: FormatInput,
): FormatOutput {
  const { decoded } = uplink
  if (!isRecord(decoded)) {
    return refuse(wrong(names.decoded, `an object: ${names.advice}`, describe(decoded)))
  }
  const time = timeOf(uplink.time, device)
  if ('expected' in time) return refuse(wrong(names.time, time.expected, time.got))
  // Network servers leave out what is zero: no counter is the first frame of a session.
  const seq = uplink.counter ?? 0
  if (!isCounter(seq)) return refuse(wrong(names.counter, 'whole number of 32 bits', show(seq)))
  const rules = rulesOf(device.settings[names.setting], names.setting, kind)
  if (isProblem(rules)) return refuse(wrong(rules.path, rules.expected, rules.got))
  const { data, sources } = valuesOf(decoded, kind, rules)
  const context = { elementIndex: -1, own: kind, hash: hashBytes(message.payload) }
  const element = readElement({ v: 1, kind, seq, data }, context)
  if ('reason' in element) return refuse(asDecoded(element, names, { decoded, sources }))
  const flags = element.flags | time.flags | (uplink.isOtherDevice ? FLAGS.identity_mismatch : 0)
  const timePath = showPath(names.time)
  return { elements: [{ ...element, timeNs: time.timeNs, timePath, flags }], refused: [] }
}

/** When the network received the frame: a LoRaWAN device seldom has a clock. */
function timeOf(value: unknown, { settings }: Device) {
  if ((value === undefined || value === null) && settings['lenient'] === true) {
    return { timeNs: null, flags: 0 }
  }
  const time = readStatedTime(value, zoneOf(settings['timezone']))
  return 'expected' in time && value === undefined ? { ...time, got: 'nothing' } : time
}

function isCounter(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32
}

interface Origin {
  readonly decoded: Values
  readonly sources: ReadonlyMap<string, string>
}

/** A refusal of a field, with the name it has in the payload. */
function asDecoded(
  { reason, path, expected, got }: RefusedElement,
  names: UplinkNames,
  { decoded, sources }: Origin,
): RefusedElement {
  const field = path.slice('data.'.length)
  if (field === '' || path === 'data') {
    const shown = Object.keys(decoded).slice(0, 5).map(show).join(', ')
    const advice = `${expected}, or a name that the setting ${names.setting} maps, such as ${EXAMPLE}`
    return wrong(names.decoded, advice, shown === '' ? got : `only ${shown}`)
  }
  const source = sources.get(field) ?? field
  return refusal(-1, reason, { path: [...names.decoded, source], expected, got })
}

export function wrong(path: readonly PropertyKey[], expected: string, got: string): RefusedElement {
  return refusal(-1, 'schema', { path, expected, got })
}

function ofGateway(): RefusedElement {
  const expected = 'a registered device: give each end device its own, with its topic'
  return refusal(-1, 'kind', { path: [], expected, got: 'a device of kind gateway' })
}
