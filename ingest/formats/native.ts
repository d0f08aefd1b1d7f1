import type { Kind } from '#lib/telemetry/catalogue.ts'
import { hashBytes, hashText } from '#lib/telemetry/hash.ts'
import type { ParsedElement, Format, FormatInput, FormatOutput, RefusedElement } from './format.ts'
import { FAULT_WORDS, SHOWN_LEVELS } from './payload/hidden-fault.ts'
import { findJsonFaults, parseJson } from './payload/json-text.ts'
import { isRecord, readElement, refusal } from './payload/native-element.ts'
import { describe, show } from './payload/wording.ts'

/** The payload convention of the platform itself (docs/devices.md, "The native payload"). */
export const native: Format = {
  name: 'native',
  description: 'JSON: one reading {"v":1,"kind","ts","seq","data","radio"}, or an array of them.',
  parse,
}

const EVENT: FormatOutput = { elements: [], refused: [] }

function parse({ device, message, channel }: FormatInput): FormatOutput {
  const { value, text, problem } = parseJson(message.payload)
  // A status is an event unless it carries a reading; a last will is often plain text.
  if (channel === 'status' && !holdsReading(value)) return EVENT
  if (problem) return { elements: [], refused: [problem] }
  const whole = refuseWhole(value, device.kind)
  if (whole) return { elements: [], refused: [whole] }
  // `refuseWhole` has refused the gateway, which has no kind of its own.
  const own = device.kind as Kind
  const suspect = text.includes('__proto__') || mayHideFaults(message.payload, value)
  const faults = suspect ? faultsByItem(text, value) : NO_FAULTS
  if (Array.isArray(value)) return readArray(value, own, faults)
  const result = faults.get(-1) ?? readElement(value, -1, own)
  if ('reason' in result) return { elements: [], refused: [result] }
  return { elements: [{ ...result, hash: hashBytes(message.payload) }], refused: [] }
}

function readArray(
  payload: readonly unknown[],
  own: Kind,
  faults: ReadonlyMap<number, RefusedElement>,
): FormatOutput {
  const elements: ParsedElement[] = []
  const refused: RefusedElement[] = []
  for (const [elementIndex, element] of payload.entries()) {
    const result = faults.get(elementIndex) ?? readElement(element, elementIndex, own)
    if ('reason' in result) refused.push(result)
    else elements.push({ ...result, hash: hashText(JSON.stringify(element)) })
  }
  return { elements, refused }
}

function holdsReading(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isReading)
  return isReading(value)
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

/** The same byte four times: `:`, and `{` as it is or `[` with bit 5 set. */
const COLONS = 0x3a3a3a3a
const OPENINGS = 0x7b7b7b7b
const BIT_5 = 0x20202020

/** How many of the four bytes of a word are zero. */
function zerosIn(word: number): number {
  const marks = ~(((word & 0x7f7f7f7f) + 0x7f7f7f7f) | word | 0x7f7f7f7f)
  return Math.imul(marks >>> 7, 0x01010101) >>> 24
}

/**
 * Whether the text may hold a name twice or nest deeper than readings do. Two counts settle it for
 * nearly every message, without a second scan of the text: as many colons as there are names, and
 * as many brackets as there are readings and their parts.
 */
function mayHideFaults(payload: Uint8Array, value: unknown): boolean {
  let colons = 0
  let openings = 0
  let at = 0
  // Four bytes at a time, for this runs over every payload.
  for (const whole = payload.length & ~3; at < whole; at += 4) {
    const word =
      payload[at]! | (payload[at + 1]! << 8) | (payload[at + 2]! << 16) | (payload[at + 3]! << 24)
    colons += zerosIn(word ^ COLONS)
    openings += zerosIn((word | BIT_5) ^ OPENINGS)
  }
  for (; at < payload.length; at += 1) {
    const byte = payload[at]! * 0x01010101
    colons += zerosIn(byte ^ COLONS) >>> 2
    openings += zerosIn((byte | BIT_5) ^ OPENINGS) >>> 2
  }
  const elements = Array.isArray(value) ? value : [value]
  if (Array.isArray(value)) openings -= 1
  for (const element of elements) {
    if (!isRecord(element)) continue
    const { data, radio, ts } = element
    openings -= 1
    colons -= namesIn(element)
    for (const part of [data, radio]) {
      if (!isRecord(part)) continue
      openings -= 1
      colons -= namesIn(part)
    }
    if (typeof ts === 'string') colons -= ts.split(':').length - 1
  }
  return colons !== 0 || openings !== 0
}

/** `Object.keys` would make an array for every part of every message. */
function namesIn(record: Readonly<Record<string, unknown>>): number {
  let names = 0
  for (const name in record) if (Object.hasOwn(record, name)) names += 1
  return names
}

const NO_FAULTS: ReadonlyMap<number, RefusedElement> = new Map()

/** The first fault of each element; of the whole message (-1) when it is no array. */
function faultsByItem(text: string, value: unknown): ReadonlyMap<number, RefusedElement> {
  const faults = new Map<number, RefusedElement>()
  for (const { path, fault } of findJsonFaults(text)) {
    const elementIndex = Array.isArray(value) ? Number(path[0]) : -1
    if (faults.has(elementIndex)) continue
    const within = (elementIndex < 0 ? path : path.slice(1)).slice(0, SHOWN_LEVELS)
    faults.set(
      elementIndex,
      refusal(elementIndex, 'malformed', { path: within, ...FAULT_WORDS[fault] }),
    )
  }
  return faults
}
