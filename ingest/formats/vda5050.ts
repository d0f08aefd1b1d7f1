import { z } from 'zod'
import { setting } from '#lib/telemetry/setting.ts'
import { lenient, timezone } from '#lib/telemetry/shared-settings.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import type { Format, FormatInput, FormatOutput, RefusedElement } from './format.ts'
import { hiddenFault } from './payload/fault-refusal.ts'
import type { Json } from './payload/parse-json.ts'
import { isEmpty, isProblem, isRecord, type Values } from './payload/problem.ts'
import { readJson } from './payload/read-json.ts'
import { describe, showNames } from './payload/reason.ts'
import { EVENT, refusal, refuse } from './payload/refusal.ts'
import { zoneOf } from './payload/stated-time.ts'
import { factsheetFlags } from './vda5050/factsheet.ts'
import type { Major, Topic } from './vda5050/fields.ts'
import { readMessage, type ReadOptions } from './vda5050/read-message.ts'

/** VDA 5050 of mobile robots, 1.1 to 3.0 (docs/domain.md 1), read into one kind `robot`. */
export const vda5050: Format = {
  name: 'vda5050',
  description: 'VDA 5050, 1.1 to 3.0: state and visualization are readings, the rest are events.',
  kinds: ['robot'],
  settings: {
    lenient,
    timezone,
    factsheet: setting(z.record(z.string(), z.unknown()), 'the factsheet as an object', {
      description: 'Factsheet of the robot: its limits tell what is out of range.',
    }),
  },
  version: 2,
  parse,
}

function parse(input: FormatInput): FormatOutput {
  const named = topicOf(input.channel)
  if (named === 'event') return EVENT
  // Zero bytes delete a retained message, and only `connection` is retained.
  if (named === 'connection' && input.message.payload.length === 0) return EVENT
  return readJson(input, (json) => readNamed(json, named, input))
}

function readNamed(json: Json, named: Topic | null, input: FormatInput): FormatOutput {
  const { value } = json
  if (!isRecord(value)) {
    return refuse(refusal(-1, 'schema', { path: [], expected: 'object', got: describe(value) }))
  }
  const hidden = hiddenFault(json)
  if (hidden) return refuse(hidden)
  const topic = named ?? topicByShape(value)
  if (topic === 'event') return EVENT
  const { kind } = input.device
  if (kind !== 'robot' && topic !== 'connection') return refuse(notRobot(kind))
  return read(value, topic, input, named !== null)
}

function read(
  value: Values,
  topic: Topic,
  { device, message, channel }: FormatInput,
  ownChannel: boolean,
): FormatOutput {
  const levels = channel.split('/')
  const { lenient, timezone, factsheet } = device.settings
  const options: ReadOptions = {
    topic,
    major: majorOf(value, levels),
    lenient: lenient === true,
    zone: zoneOf(timezone),
  }
  const result = readMessage(value, options)
  if (isProblem(result)) return refuse(refusal(-1, 'schema', result))
  // It has the time and number of the connect, so it is no reading (docs/domain.md 1.3).
  if (topic === 'connection') return EVENT
  if (isEmpty(result.fields)) {
    // Versions 2.0 and 2.1 require nothing of it, 3.0 only its header.
    const isBare =
      topic === 'visualization' && HEADER.some((name) => (value[name] ?? null) !== null)
    return isBare ? EVENT : refuse(nothingIn(value, topic, options.major))
  }
  const { fields, timeNs } = result
  const implausible = factsheet === undefined ? 0 : factsheetFlags(fields, factsheet)
  const flags = result.flags | identityFlag(value, levels) | implausible
  // headerId counts per topic: where topics share a channel, only `state` may count in it.
  const seq = ownChannel || topic === 'state' ? result.seq : null
  const hash = hashBytes(message.payload)
  const own = { elementIndex: -1, kind: 'robot', radio: null, timePath: 'timestamp' } as const
  return { elements: [{ ...own, seq, timeNs, flags, fields, hash }], refused: [] }
}

/** The names of every message's header (docs/domain.md 1.2). */
const HEADER = ['headerId', 'timestamp', 'version', 'manufacturer', 'serialNumber']

/**
 * Only the last level of a topic is fixed (docs/domain.md 1.1). Null where the channel names no
 * topic: on the native channels of a robot the shape of the message decides.
 */
function topicOf(channel: string): Topic | 'event' | null {
  if (channel === 'vda5050' || channel === 'telemetry') return null
  const last = channel.slice(channel.lastIndexOf('/') + 1)
  return last === 'state' || last === 'visualization' || last === 'connection' ? last : 'event'
}

const OF_STATE = ['operatingMode', 'batteryState', 'powerSupply', 'safetyState', 'nodeStates']
const OF_VISUALIZATION = [
  'referenceStateHeaderId',
  'agvPosition',
  'mobileRobotPosition',
  'velocity',
]
const OF_EVENTS = ['typeSpecification', 'factsheet', 'instantActions', 'actions', 'nodes']

function topicByShape(value: Values): Topic | 'event' {
  const has = (name: string) => value[name] !== undefined
  if (has('connectionState')) return 'connection'
  if (OF_STATE.some(has)) return 'state'
  if (OF_EVENTS.some(has)) return 'event'
  return OF_VISUALIZATION.some(has) ? 'visualization' : 'state'
}

/**
 * By the declared version; where that is none of the standard (robots write the version of their
 * software) by names that only one version has, then by the topic, `<interface>/v3/...`.
 */
function majorOf(value: Values, levels: readonly string[]): Major {
  const { version, safetyState } = value
  const declared = typeof version === 'string' ? VERSION.exec(version)?.[1] : undefined
  if (declared) return declared === '3' ? 3 : 2
  if (value['mobileRobotPosition'] !== undefined || value['powerSupply'] !== undefined) return 3
  if (isRecord(safetyState) && safetyState['activeEmergencyStop'] !== undefined) return 3
  if (value['agvPosition'] !== undefined || value['batteryState'] !== undefined) return 2
  return levels.at(-4) === 'v3' ? 3 : 2
}

/** The standard has no 1.2 or later 1.x: robots write the version of their software. */
const VERSION = /^v?(1(?=\.[01](?:\.|$))|[23](?=\.\d))/

/** The topic wins (docs/domain.md 8.5); only the suggested form names manufacturer and robot. */
function identityFlag(value: Values, levels: readonly string[]): number {
  if (levels.length < 5 || !/^v\d/.test(levels.at(-4) ?? '')) return 0
  const { manufacturer = levels.at(-3), serialNumber = levels.at(-2) } = value
  const same =
    (manufacturer === null || manufacturer === levels.at(-3)) &&
    (serialNumber === null || serialNumber === levels.at(-2))
  return same ? 0 : FLAGS.identity_mismatch
}

function notRobot(kind: string): RefusedElement {
  const expected = 'a device registered as robot: only robots speak VDA 5050'
  return refusal(-1, 'kind', { path: [], expected, got: `a device of kind ${kind}` })
}

function nothingIn(value: Values, topic: Topic, major: Major): RefusedElement {
  const position = major === 3 ? 'mobileRobotPosition' : 'agvPosition'
  const names = Object.keys(value)
  const got = names.length === 0 ? 'an empty object' : `only ${showNames(names)}`
  const expected =
    topic === 'visualization'
      ? `${position} or velocity`
      : `a value of ${topic}, such as ${position}`
  return refusal(-1, 'schema', { path: [], expected, got })
}
