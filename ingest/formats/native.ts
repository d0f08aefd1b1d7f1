import type { Kind } from '#lib/telemetry/catalogue.ts'
import { hashBytes, hashText } from '#lib/telemetry/hash.ts'
import type { Format, FormatInput, FormatOutput, RefusedElement } from './format.ts'
import { readElement } from './native/read-element.ts'
import { faultRefusal } from './payload/fault-refusal.ts'
import { hiddenFaults } from './payload/hidden-faults.ts'
import { parseJson, type Json } from './payload/parse-json.ts'
import { isRecord } from './payload/problem.ts'
import { describe, show } from './payload/reason.ts'
import { EVENT, outputOf, refusal, refuse } from './payload/refusal.ts'

/** The payload convention of the platform itself (docs/devices.md, "The native payload"). */
export const native: Format = {
  name: 'native',
  description: 'JSON: one reading {"v":1,"kind","ts","seq","data","radio"}, or an array of them.',
  parse,
}

function parse({ device, message, channel }: FormatInput): FormatOutput {
  const json = parseJson(message.payload)
  // A status is an event unless it carries a reading; a last will is often plain text.
  if (channel === 'status' && !holdsReading(json)) return EVENT
  if ('reason' in json) return refuse(json)
  const { value } = json
  const whole = refuseWhole(value, device.kind)
  if (whole) return refuse(whole)
  // `refuseWhole` has refused the gateway, which has no kind of its own.
  const own = device.kind as Kind
  const faults = faultsByElement(json)
  if (!Array.isArray(value)) {
    const hash = hashBytes(message.payload)
    const result = faults?.get(-1) ?? readElement(value, { elementIndex: -1, own, hash })
    return 'reason' in result ? refuse(result) : { elements: [result], refused: [] }
  }
  return outputOf(
    (value as readonly unknown[]).map((element, elementIndex) => {
      const hash = hashText(JSON.stringify(element))
      return faults?.get(elementIndex) ?? readElement(element, { elementIndex, own, hash })
    }),
  )
}

function holdsReading(json: Json | RefusedElement): boolean {
  if ('reason' in json) return false
  return Array.isArray(json.value) ? json.value.some(isReading) : isReading(json.value)
}

function isReading(value: unknown): boolean {
  if (!isRecord(value) || value['kind'] === undefined) return false
  return value['data'] !== undefined || value['radio'] !== undefined
}

function refuseWhole(value: unknown, kind: Kind | 'gateway'): RefusedElement | null {
  if (kind === 'gateway') {
    const expected = 'readings of its sub-devices: a gateway has none of its own'
    const got = isRecord(value) ? show(value['kind']) : describe(value)
    return refusal(-1, 'kind', { path: ['kind'], expected, got })
  }
  if (!Array.isArray(value) || value.length > 0) return null
  return refusal(-1, 'schema', { path: [], expected: 'at least one reading', got: 'empty array' })
}

/** The first hidden fault of each element, of the whole message (-1) when it is no array. */
function faultsByElement(json: Json): ReadonlyMap<number, RefusedElement> | null {
  const found = hiddenFaults(json)
  if (found.length === 0) return null
  const isArray = Array.isArray(json.value)
  const faults = new Map<number, RefusedElement>()
  for (const { path, fault } of found) {
    const elementIndex = isArray ? Number(path[0]) : -1
    if (faults.has(elementIndex)) continue
    faults.set(elementIndex, faultRefusal(elementIndex, fault, isArray ? path.slice(1) : path))
  }
  return faults
}
