import type { FormatInput, FormatOutput } from '../format.ts'
import { native } from '../native.ts'
import { isNativeReading } from '../native/native-reading.ts'
import { parseJson, type Json } from './parse-json.ts'
import { refuse } from './refusal.ts'

/**
 * How the formats of JSON begin. What is no JSON is refused, and a native payload on the native
 * channel is read as such; the rest goes to `read`, which has to look for the `hiddenFault` itself.
 */
export function readJson(input: FormatInput, read: (json: Json) => FormatOutput): FormatOutput {
  const json = parseJson(input.message.payload)
  if ('reason' in json) return refuse(json)
  return isNativeReading(input.channel, json.value) ? native.parse(input) : read(json)
}
