import { lenient } from '#lib/telemetry/shared-settings.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import { HIGH_FREQUENCY, POSITION, takeMeasured } from './cam/fields.ts'
import type { Format, FormatInput, FormatOutput } from './format.ts'
import { isProblem, isRecord, type Problem, type Values } from './payload/problem.ts'
import { describe, show } from './payload/reason.ts'
import { EVENT, outputOf, refusalAt, refuse } from './payload/refusal.ts'
import { truckElement } from './trucks/truck-element.ts'
import { readTruckJson, requiredTime } from './trucks/truck-json.ts'

/**
 * Cooperative awareness messages (ETSI EN 302 637-2, TS 103 900) as the JSON that
 * Orange-OpenSource/its-client defines, 1.1 and 2.x. The time of a reading is `timestamp`:
 * `generation_delta_time` is the same modulo 65.536 s, and some senders forget its leap seconds.
 */
export const cam: Format = {
  name: 'cam',
  description: 'ITS CAM as JSON: position, speed and heading of a vehicle, up to ten a second.',
  kinds: ['truck'],
  settings: { lenient },
  parse: (input) => readTruckJson(input, read),
}

/** The other message types of these clients. */
const EVENTS = new Set([
  'bootstrap',
  'cpm',
  'denm',
  'information',
  'ivim',
  'mapem',
  'mcm',
  'neighbourhood',
  'poi',
  'poim',
  'region',
  'spatem',
  'srem',
  'ssem',
  'status',
])

const ROAD_SIDE_UNIT = 15

function read(value: unknown, input: FormatInput): FormatOutput {
  if (!isRecord(value)) {
    return refuse(refusalAt(-1, { path: [], expected: 'object', got: describe(value) }))
  }
  const name = value['message_type'] === undefined ? 'type' : 'message_type'
  const type = value[name]
  if (typeof type === 'string' && EVENTS.has(type)) return EVENT
  if (type !== 'cam') {
    return refuse(refusalAt(-1, { path: [name], expected: 'cam', got: show(type) }))
  }
  const problem = unreadable(value)
  if (problem) return refuse(refusalAt(-1, problem))
  const station = stationOf(value['message'])
  if (station === ROAD_SIDE_UNIT) return refuse(refusalAt(-1, NO_VEHICLE, 'kind'))
  return readCam(value, input)
}

const NO_VEHICLE: Problem = {
  path: ['message', 'basic_container', 'station_type'],
  expected: 'a vehicle',
  got: `${ROAD_SIDE_UNIT} (road side unit)`,
}

function unreadable({ message, message_format: format }: Values): Problem | null {
  if (format !== undefined && format !== null && format !== 'json/raw') {
    return { path: ['message_format'], expected: 'json/raw', got: show(format) }
  }
  if (isRecord(message)) return null
  return { path: ['message'], expected: 'object', got: describe(message) }
}

function stationOf(message: unknown): unknown {
  const basic = isRecord(message) ? message['basic_container'] : null
  return isRecord(basic) ? basic['station_type'] : null
}

function readCam(envelope: Values, { device, message, channel }: FormatInput): FormatOutput {
  const time = requiredTime(envelope['timestamp'], ['timestamp'], device)
  if (isProblem(time)) return refuse(refusalAt(-1, time))
  const values: Record<string, FieldValue> = {}
  const problem = takeContainers(envelope['message'], values)
  if (problem) return refuse(refusalAt(-1, problem))
  const element = truckElement({
    elementIndex: -1,
    timeNs: time.timeNs,
    timePath: 'timestamp',
    values,
    given: envelope['message'],
    flags: isOtherStation(envelope['source_uuid'], channel) ? FLAGS.identity_mismatch : 0,
    radio: null,
    hash: hashBytes(message.payload),
    path: ['message'],
    latLon: { lat: [...POSITION_PATH, 'latitude'], lon: [...POSITION_PATH, 'longitude'] },
  })
  return outputOf([element])
}

const POSITION_PATH = ['message', 'basic_container', 'reference_position']

function takeContainers(message: unknown, into: Record<string, FieldValue>): Problem | null {
  const basic = partOf(message, ['message'], 'basic_container')
  if (isProblem(basic)) return basic
  const position = partOf(basic.values, basic.path, 'reference_position')
  if (isProblem(position)) return position
  const outer = partOf(message, ['message'], 'high_frequency_container')
  if (isProblem(outer)) return outer
  // 2.x has one container per type of station, 1.1 only that of vehicles.
  const name = 'basic_vehicle_container_high_frequency'
  const inner = outer.values[name] === undefined ? outer : partOf(outer.values, outer.path, name)
  if (isProblem(inner)) return inner
  return (
    takeMeasured({ ...position, fields: POSITION }, into) ??
    takeMeasured({ ...inner, fields: HIGH_FREQUENCY }, into)
  )
}

interface Inner {
  readonly values: Values
  readonly path: readonly string[]
}

function partOf(outer: unknown, path: readonly string[], name: string): Inner | Problem {
  const values = isRecord(outer) ? outer[name] : undefined
  const at = [...path, name]
  if (isRecord(values)) return { values, path: at }
  return { path: at, expected: 'object', got: describe(values) }
}

/**
 * The level after `cam` in `.../v2x/cam/<uuid>/...`; the topic wins (docs/domain.md 8.5). The
 * station id is no identity: it changes, so that nobody can be followed.
 */
function isOtherStation(uuid: unknown, channel: string): boolean {
  const levels = channel.split('/')
  const at = levels.indexOf('cam')
  const wanted = at > 0 ? levels[at + 1] : undefined
  return wanted !== undefined && typeof uuid === 'string' && uuid !== wanted
}
