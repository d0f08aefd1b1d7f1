import type { Device } from '#lib/registry/registry.ts'
import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import type { Format, FormatInput, FormatOutput, RefusedElement } from './format.ts'
import { isMbusNoValue } from './meters/mbus-no-value.ts'
import { isMeter } from './meters/meter.ts'
import { readElement } from './native/read-element.ts'
import { hiddenFault } from './payload/fault-refusal.ts'
import { isProblem, isRecord, type Problem, type Values } from './payload/problem.ts'
import { readJson } from './payload/read-json.ts'
import { describe, show } from './payload/reason.ts'
import { EVENT, refusal, refuse } from './payload/refusal.ts'
import { readStatedTime, zoneOf } from './payload/stated-time.ts'
import { isFactor } from './payload/units.ts'

/**
 * LoRaWAN meters and trackers through The Things Stack v3 (thethingsindustries.com, "Data
 * Formats"): the payload formatter of the device has decoded its bytes to names and numbers. Names
 * of our fields are taken as they are, others through the setting `ttn` of the device.
 */
export const ttn: Format = {
  name: 'ttn',
  description:
    'Uplinks of The Things Stack v3 with decoded_payload; joins and downlinks are events.',
  parse,
}

function parse(input: FormatInput): FormatOutput {
  if (input.channel === 'status') return EVENT
  return readJson(input, (json) => {
    const { kind } = input.device
    if (kind === 'gateway') return refuse(ofGateway())
    const hidden = hiddenFault(json)
    return hidden ? refuse(hidden) : readMessage(json.value, kind, input)
  })
}

function readMessage(value: unknown, kind: Kind, input: FormatInput): FormatOutput {
  if (!isRecord(value)) return refuse(wrong([], 'object', describe(value)))
  const uplink = value[UPLINK]
  if (isRecord(uplink)) return readUplink(uplink, value['end_device_ids'], kind, input)
  if (uplink === undefined && EVENTS.some((name) => isRecord(value[name]))) return EVENT
  return refuse(wrong([UPLINK], 'object', describe(uplink)))
}

/** The other messages of an end device: about the network, not about its values. */
const EVENTS = [
  'join_accept',
  'downlink_ack',
  'downlink_nack',
  'downlink_sent',
  'downlink_failed',
  'downlink_queued',
  'downlink_queue_invalidated',
  'location_solved',
  'service_data',
]

const UPLINK = 'uplink_message'
const DECODED = [UPLINK, 'decoded_payload']

function readUplink(uplink: Values, ids: unknown, kind: Kind, input: FormatInput): FormatOutput {
  const { device, message, channel } = input
  const decoded = uplink['decoded_payload']
  // A frame may carry commands of the network alone.
  if (decoded === undefined && uplink['frm_payload'] === undefined) return EVENT
  if (!isRecord(decoded)) return refuse(wrong(DECODED, FORMATTER, describe(decoded)))
  const time = timeOf(uplink['received_at'], device)
  if ('expected' in time) return refuse(wrong([UPLINK, 'received_at'], time.expected, time.got))
  // The stack leaves out what is zero: no counter is the first frame of a session.
  const seq = uplink['f_cnt'] ?? 0
  if (!isCounter(seq)) return refuse(wrong([UPLINK, 'f_cnt'], 'whole number of 32 bits', show(seq)))
  const rules = rulesOf(device.settings['ttn'], kind)
  if (isProblem(rules)) return refuse(wrong(rules.path, rules.expected, rules.got))
  const { data, sources } = valuesOf(decoded, kind, rules)
  const context = { elementIndex: -1, own: kind, hash: hashBytes(message.payload) }
  const element = readElement({ v: 1, kind, seq, data }, context)
  if ('reason' in element) return refuse(asDecoded(element, decoded, sources))
  const flags =
    element.flags | time.flags | (isOtherDevice(ids, channel) ? FLAGS.identity_mismatch : 0)
  const timePath = `${UPLINK}.received_at`
  return { elements: [{ ...element, timeNs: time.timeNs, timePath, flags }], refused: [] }
}

const FORMATTER = 'an object: give the device a payload formatter in The Things Stack'

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

interface Rule {
  readonly to: string
  readonly times: number
  readonly per: number
}

const EXAMPLE = '{"energy":{"to":"energyKwh","per":1000}}'

/** A mistake in the setting refuses every message; once it is fixed they can be replayed. */
function rulesOf(setting: unknown, kind: Kind): ReadonlyMap<string, Rule> | Problem {
  const rules = new Map<string, Rule>()
  if (setting === undefined || setting === null) return rules
  const path = ['settings', 'ttn']
  if (!isRecord(setting)) {
    return { path, expected: `an object such as ${EXAMPLE}`, got: describe(setting) }
  }
  for (const [name, given] of Object.entries(setting)) {
    const { to, times = 1, per = 1 } = isRecord(given) ? given : {}
    if (typeof to !== 'string' || !Object.hasOwn(KINDS[kind].fields, to)) {
      return { path: [...path, name, 'to'], expected: `a field of ${kind}`, got: show(to) }
    }
    if (!isFactor(times) || !isFactor(per)) {
      return { path: [...path, name], expected: 'times and per above 0', got: show(times) }
    }
    rules.set(name, { to, times, per })
  }
  return rules
}

/** The values by their fields, and the name of each in the payload. */
function valuesOf(decoded: Values, kind: Kind, rules: ReadonlyMap<string, Rule>) {
  const data: Record<string, unknown> = {}
  const sources = new Map<string, string>()
  for (const [name, value] of namedIn(decoded, '', 0)) {
    const isOurs = Object.hasOwn(KINDS[kind].fields, name)
    const rule = rules.get(name) ?? (isOurs ? { to: name, times: 1, per: 1 } : null)
    if (!rule || value === null || sources.has(rule.to)) continue
    // Formatters pass the "no value" of M-Bus on; checked before any unit is converted.
    if (isMeter(kind) && typeof value === 'number' && isMbusNoValue(value)) continue
    sources.set(rule.to, name)
    data[rule.to] = typeof value === 'number' ? (value * rule.times) / rule.per : value
  }
  return { data, sources }
}

/** Levels of objects that are searched: formatters group values, rarely twice. */
const MAX_LEVELS = 3

function* namedIn(values: Values, before: string, level: number): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(values)) {
    if (!isRecord(value)) yield [before + name, value]
    else if (level < MAX_LEVELS) yield* namedIn(value, `${before}${name}.`, level + 1)
  }
}

/** A refusal of a field, with the name it has in the payload. */
function asDecoded(
  { reason, path, expected, got }: RefusedElement,
  decoded: Values,
  sources: ReadonlyMap<string, string>,
): RefusedElement {
  const field = path.slice('data.'.length)
  if (field === '' || path === 'data') {
    const names = Object.keys(decoded).slice(0, 5).map(show).join(', ')
    const advice = `${expected}, or a name that the setting ttn maps, such as ${EXAMPLE}`
    return wrong(DECODED, advice, names === '' ? got : `only ${names}`)
  }
  return refusal(-1, reason, { path: [...DECODED, sources.get(field) ?? field], expected, got })
}

/** `v3/<application>@<tenant>/devices/<device>/up`: the topic wins (docs/domain.md 8.5). */
function isOtherDevice(ids: unknown, channel: string): boolean {
  const [root, , devices, named] = channel.split('/')
  const id = isRecord(ids) ? ids['device_id'] : undefined
  return root === 'v3' && devices === 'devices' && typeof id === 'string' && id !== named
}

function wrong(path: readonly PropertyKey[], expected: string, got: string): RefusedElement {
  return refusal(-1, 'schema', { path, expected, got })
}

function ofGateway(): RefusedElement {
  const expected = 'a registered device: give each end device its own, with its topic'
  return refusal(-1, 'kind', { path: [], expected, got: 'a device of kind gateway' })
}
