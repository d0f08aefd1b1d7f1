import { textSetting } from '#lib/telemetry/setting.ts'
import { lenient } from '#lib/telemetry/shared-settings.ts'
import { MAPPED_SETTING } from './trucks/mapped-fields.ts'
import type { Device } from '#lib/registry/registry.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import type { Format, FormatInput, FormatOutput } from './format.ts'
import { isProblem, isRecord, type Problem, type Values } from './payload/problem.ts'
import { describe, show } from './payload/reason.ts'
import { EVENT, outputOf, refusalAt, refuse } from './payload/refusal.ts'
import { asCarried, ofSubDevice } from './payload/sub-device.ts'
import { radioOf } from './traccar/cell.ts'
import { ATTRIBUTES, ATTRIBUTES_SETTING, POSITION } from './traccar/fields.ts'
import { mappedFields } from './trucks/mapped-fields.ts'
import { withoutFix } from './trucks/no-fix.ts'
import { takeFields } from './trucks/source-fields.ts'
import { truckElement } from './trucks/truck-element.ts'
import { notTruck, readTruckJson, requiredTime } from './trucks/truck-json.ts'

/** The positions that a Traccar server forwards (`forward.type` mqtt or json). */
export const traccar: Format = {
  name: 'traccar',
  description: 'Positions that a Traccar server forwards: {"position":{...},"device":{...}}.',
  kinds: ['truck'],
  fromGateway: true,
  settings: {
    lenient,
    uniqueId: textSetting('the unique id of the vehicle at the Traccar server', {
      description: 'Identifier of the vehicle at the Traccar server.',
    }),
    attributes: MAPPED_SETTING,
  },
  parse(input) {
    const carried = asCarried(input, 'truck')
    return carried ? readTruckJson(carried, readCarried) : readTruckJson(input, read)
  },
}

const NO_VALUES: Values = {}

function read(value: unknown, input: FormatInput): FormatOutput {
  return readForwarded(value, (position, vehicle) => {
    const other = otherVehicle(vehicle, input.device)
    return other ? refuse(refusalAt(-1, other, 'unknown_device')) : readPosition(position, input)
  })
}

/** A server registered as gateway: each message names its vehicle. */
function readCarried(value: unknown, input: FormatInput): FormatOutput {
  return readForwarded(value, (position, vehicle) => {
    const uniqueId = uniqueIdOf(vehicle)
    const device = input.carried?.(uniqueId, 'truck')
    if (uniqueId === '' || !device) return refuse(refusalAt(-1, noUniqueId(vehicle)))
    const output =
      device.kind === 'truck'
        ? readPosition(position, { ...input, device })
        : refuse(notTruck(device.kind))
    return ofSubDevice(output, uniqueId)
  })
}

function uniqueIdOf(vehicle: unknown): string {
  const given = isRecord(vehicle) ? vehicle['uniqueId'] : undefined
  return typeof given === 'string' ? given.trim() : ''
}

function noUniqueId(vehicle: unknown): Problem {
  const got = describe(isRecord(vehicle) ? vehicle['uniqueId'] : undefined)
  return { path: ['device', 'uniqueId'], expected: 'a text that names the vehicle', got }
}

function readForwarded(
  value: unknown,
  readVehicle: (position: Values, vehicle: unknown) => FormatOutput,
): FormatOutput {
  if (!isRecord(value)) {
    return refuse(refusalAt(-1, { path: [], expected: 'object', got: describe(value) }))
  }
  // The position of an event is also forwarded by itself.
  if (value['event'] !== undefined && value['event'] !== null) return EVENT
  const { position } = value
  if (!isRecord(position)) {
    const expected = 'an object, as Traccar forwards it'
    return refuse(refusalAt(-1, { path: ['position'], expected, got: describe(position) }))
  }
  return readVehicle(position, value['device'])
}

function readPosition(position: Values, { device, message }: FormatInput): FormatOutput {
  // Without a new fix Traccar repeats the last position beside new attributes.
  const hasFix = position['valid'] !== false && position['outdated'] !== true
  const time = timeOf(position, hasFix, device)
  if (isProblem(time)) return refuse(refusalAt(-1, time))
  const mapped = mappedFields(device.settings['attributes'], ATTRIBUTES_SETTING)
  if (isProblem(mapped)) return refuse(refusalAt(-1, mapped))
  const attributes = position['attributes'] ?? NO_VALUES
  const path = ['position', 'attributes']
  if (!isRecord(attributes)) {
    return refuse(refusalAt(-1, { path, expected: 'object', got: describe(attributes) }))
  }
  const values: Record<string, FieldValue> = {}
  const problem =
    takeFields({ values: position, path: ['position'], fields: POSITION }, values) ??
    takeFields({ values: mapped.signed(attributes), path, fields: mapped.fields }, values) ??
    takeFields({ values: attributes, path, fields: ATTRIBUTES }, values)
  if (problem) return refuse(refusalAt(-1, problem))
  const isNowhere = values['lat'] === 0 && values['lon'] === 0
  const element = truckElement({
    elementIndex: -1,
    ...time,
    values: hasFix && !isNowhere ? values : withoutFix(values),
    given: { ...position, ...attributes },
    radio: radioOf(position['network']),
    hash: hashBytes(message.payload),
    path: ['position'],
    latLon: { lat: ['position', 'latitude'], lon: ['position', 'longitude'] },
  })
  return outputOf([element])
}

/**
 * A position has the time of its fix; attributes without one have that of the tracker's message.
 */
function timeOf(position: Values, hasFix: boolean, device: Device) {
  const names = hasFix ? ['fixTime', 'deviceTime'] : ['deviceTime', 'fixTime']
  const name = names.find((one) => position[one] !== undefined && position[one] !== null)
  const chosen = name ?? 'fixTime'
  const time = requiredTime(position[chosen], ['position', chosen], device)
  return isProblem(time) ? time : { ...time, timePath: `position.${chosen}` }
}

/**
 * One topic may carry every vehicle of a server, so the setting `uniqueId` names the one of this
 * device; the messages of the others are refused and can be replayed once they are registered.
 */
function otherVehicle(given: unknown, { settings }: Device): Problem | null {
  const wanted = settings['uniqueId']
  if (typeof wanted !== 'string' || wanted === '') return null
  const uniqueId = isRecord(given) ? given['uniqueId'] : undefined
  if (uniqueId === wanted) return null
  const expected = `${show(wanted)}, the setting uniqueId: give other vehicles a device of their own`
  return { path: ['device', 'uniqueId'], expected, got: show(uniqueId) }
}
