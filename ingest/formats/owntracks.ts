import { lenient } from '#lib/telemetry/shared-settings.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import type { Format, FormatInput, FormatOutput } from './format.ts'
import { isProblem, isRecord, type Problem, type Values } from './payload/problem.ts'
import { describe, show } from './payload/reason.ts'
import { EVENT, outputOf, refusalAt, refuse } from './payload/refusal.ts'
import { withoutFix } from './trucks/no-fix.ts'
import { takeFields, type SourceField } from './trucks/source-fields.ts'
import { truckElement } from './trucks/truck-element.ts'
import { readTruckJson, requiredTime } from './trucks/truck-json.ts'

/** The JSON of the OwnTracks apps: a phone in the cab (owntracks.org/booklet/tech/json). */
export const owntracks: Format = {
  name: 'owntracks',
  description: 'OwnTracks JSON: _type location is a reading, transitions, steps and others events.',
  kinds: ['truck'],
  settings: { lenient },
  parse: (input) => readTruckJson(input, read),
}

/** Names of networks (SSID, BSSID) and a person's regions are left out on purpose. */
const FIELDS: readonly SourceField[] = [
  { from: 'lat', to: 'lat', type: 'number', required: true },
  { from: 'lon', to: 'lon', type: 'number', required: true },
  { from: 'alt', to: 'altM', type: 'number' },
  { from: 'vel', to: 'speedKmh', type: 'number' },
  { from: 'cog', to: 'headingDeg', type: 'number' },
  { from: 'batt', to: 'batteryPct', type: 'number' },
]

/** The other types of the booklet: about the app or a place, no current position of the device. */
const EVENTS = new Set([
  'beacon',
  'card',
  'cmd',
  'configuration',
  'lwt',
  'request',
  'status',
  'steps',
  'transition',
  'waypoint',
  'waypoints',
])

function read(value: unknown, input: FormatInput): FormatOutput {
  if (!isRecord(value)) {
    return refuse(refusalAt(-1, { path: [], expected: 'object', got: describe(value) }))
  }
  const type = value['_type']
  if (typeof type === 'string' && EVENTS.has(type)) return EVENT
  if (type !== 'location') return refuse(refusalAt(-1, otherType(type)))
  return readLocation(value, input)
}

function readLocation(location: Values, { device, message, channel }: FormatInput): FormatOutput {
  // In seconds; the app may write `created_at` long after the fix.
  const time = requiredTime(location['tst'], ['tst'], device)
  if (isProblem(time)) return refuse(refusalAt(-1, time))
  const values: Record<string, FieldValue> = {}
  const problem = takeFields({ values: location, path: [], fields: FIELDS }, values)
  if (problem) return refuse(refusalAt(-1, problem))
  const isNowhere = values['lat'] === 0 && values['lon'] === 0
  const element = truckElement({
    elementIndex: -1,
    timeNs: time.timeNs,
    timePath: 'tst',
    values: isNowhere ? withoutFix(values) : values,
    given: location,
    flags: isOtherTopic(location['topic'], channel) ? FLAGS.identity_mismatch : 0,
    radio: null,
    hash: hashBytes(message.payload),
  })
  return outputOf([element])
}

/**
 * The topic wins (docs/domain.md 8.5); a bridge from HTTP writes the intended one into the payload.
 */
function isOtherTopic(topic: unknown, channel: string): boolean {
  return typeof topic === 'string' && channel.includes('/') && topic !== channel
}

function otherType(type: unknown): Problem {
  if (type === 'encrypted') {
    const expected = 'location in the clear: remove the encryption key in the app, use TLS'
    return { path: ['_type'], expected, got: '"encrypted"' }
  }
  const expected = `location, or one of ${[...EVENTS].join(', ')}`
  return { path: ['_type'], expected, got: show(type) }
}
