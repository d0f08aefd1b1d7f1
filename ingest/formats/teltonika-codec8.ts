import { avl, imei } from './teltonika/tracker-settings.ts'
import type { Device } from '#lib/registry/registry.ts'
import type { Format, FormatInput, FormatOutput } from './format.ts'
import { native } from './native.ts'
import { isProblem } from './payload/problem.ts'
import { EVENT, outputOf, refusalAt, refuse } from './payload/refusal.ts'
import { openFrame } from './teltonika-codec8/frame.ts'
import { readRecords } from './teltonika-codec8/records.ts'
import { avlElement, avlMapping } from './teltonika/avl-record.ts'
import { notTruck } from './trucks/truck-json.ts'

/**
 * AVL packets of Teltonika trackers as sent over TCP (Codec 8, 8 Extended and 16), as bytes or as
 * hexadecimal text; each record of a packet is one reading.
 */
export const teltonikaCodec8: Format = {
  name: 'teltonika-codec8',
  description:
    'AVL packets of Teltonika trackers, Codec 8, 8E and 16, as bytes or hexadecimal text.',
  kinds: ['truck'],
  settings: { avl, imei },
  identity: 'imei',
  parse,
}

function parse(input: FormatInput): FormatOutput {
  const { device, message, channel } = input
  if (channel === 'status') return EVENT
  if (channel === 'telemetry' && isJson(message.payload)) return native.parse(input)
  if (device.kind !== 'truck') return refuse(notTruck(device.kind))
  const frame = openFrame(message.payload)
  if (isProblem(frame)) return refuse(refusalAt(-1, frame, 'malformed'))
  // Codec 12 to 14 carry commands and their responses.
  return frame.codec === 'command' ? EVENT : readFrame(frame.data, frame.codec, device)
}

const BRACE = 0x7b
const BRACKET = 0x5b

function isJson([first]: Uint8Array): boolean {
  return first === BRACE || first === BRACKET
}

function readFrame(data: Uint8Array, codec: 8 | 0x8e | 16, device: Device): FormatOutput {
  const mapped = avlMapping(device)
  if (isProblem(mapped)) return refuse(refusalAt(-1, mapped))
  const records = readRecords(data, codec)
  if (isProblem(records)) return refuse(refusalAt(-1, records, 'malformed'))
  // Some models send empty packets to keep their connection open.
  return outputOf(records.map((record) => avlElement(record, mapped)))
}
