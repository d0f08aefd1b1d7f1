import { lenient } from '#lib/telemetry/shared-settings.ts'
import { avl, imei } from './teltonika/tracker-settings.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import type { Format, FormatInput, FormatOutput } from './format.ts'
import { readNumber } from './payload/number-text.ts'
import { isProblem, isRecord, type Problem, type Values } from './payload/problem.ts'
import { describe, show } from './payload/reason.ts'
import { EVENT, outputOf, refusalAt, refuse } from './payload/refusal.ts'
import { avlElement, avlMapping, type AvlRecord } from './teltonika/avl-record.ts'
import { readTruckJson, requiredTime } from './trucks/truck-json.ts'

/** The JSON that Teltonika trackers publish (Codec JSON, docs/domain.md 2.4). */
export const teltonika: Format = {
  name: 'teltonika',
  description: 'Codec JSON of Teltonika trackers: {"state":{"reported":{"ts","latlng",...}}}.',
  kinds: ['truck'],
  settings: { lenient, avl, imei },
  identity: 'imei',
  parse: (input) => readTruckJson(input, read),
}

function read(value: unknown, input: FormatInput): FormatOutput {
  // The response to a command comes on the same topic.
  if (isRecord(value) && value['state'] === undefined && isResponse(value)) return EVENT
  const state = isRecord(value) ? value['state'] : value
  const reported = isRecord(state) ? state['reported'] : undefined
  if (isRecord(value) && isRecord(reported)) return readReported(reported, input)
  return refuse(refusalAt(-1, notReported(value, state, reported)))
}

function isResponse(value: Values): boolean {
  return value['RSP'] !== undefined || value['CMD'] !== undefined
}

const PATH = ['state', 'reported']

function readReported(reported: Values, { device, message }: FormatInput): FormatOutput {
  const time = requiredTime(reported['ts'], [...PATH, 'ts'], device)
  if (isProblem(time)) return refuse(refusalAt(-1, time))
  const mapped = avlMapping(device)
  if (isProblem(mapped)) return refuse(refusalAt(-1, mapped))
  const position = readPosition(reported['latlng'])
  if (position && isProblem(position)) return refuse(refusalAt(-1, position))
  const { timeNs } = time
  const hash = hashBytes(message.payload)
  const record = {
    elementIndex: -1,
    timeNs,
    hash,
    values: reported,
    position,
    path: PATH,
    timePath: 'state.reported.ts',
  }
  return outputOf([avlElement(record, mapped)])
}

/** `"54.825300,9.357700"`; an empty text is no position. */
function readPosition(latlng: unknown): AvlRecord['position'] | Problem {
  if (latlng === undefined || latlng === null || latlng === '') return null
  const parts = typeof latlng === 'string' ? latlng.split(',') : []
  const [lat = null, lon = null] = parts.map(readNumber)
  if (parts.length === 2 && lat !== null && lon !== null) return { lat, lon }
  const got = typeof latlng === 'string' ? show(latlng) : describe(latlng)
  const expected = 'latitude and longitude in one text, such as "54.8253,9.3577"'
  return { path: [...PATH, 'latlng'], expected, got }
}

function notReported(value: unknown, state: unknown, reported: unknown): Problem {
  const expected = 'an object {"ts","latlng",...} of one record'
  if (!isRecord(value)) return { path: [], expected: 'object', got: describe(value) }
  if (!isRecord(state)) {
    return { path: ['state'], expected: 'an object {"reported":{...}}', got: describe(state) }
  }
  return { path: PATH, expected, got: describe(reported) }
}
