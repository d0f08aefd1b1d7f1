import type { Kind } from '#lib/telemetry/catalogue.ts'
import { hashBytes, hashText } from '#lib/telemetry/hash.ts'
import type { Draft, Format, FormatInput, FormatOutput, RefusedItem } from './format.ts'
import { FAULT_WORDS, SHOWN_LEVELS } from './payload/hidden-fault.ts'
import { findJsonFaults, parseJson } from './payload/json-text.ts'
import { isRecord, readElement, refusal } from './payload/native-element.ts'
import { describe, show } from './payload/wording.ts'

/** The payload convention of the platform itself (contract.md, MQTT). */
export const native: Format = {
  name: 'native',
  description: 'JSON: one reading {"v":1,"kind","ts","seq","data","radio"}, or an array of them.',
  parse,
}

const EVENT: FormatOutput = { drafts: [], refused: [] }

function parse({ device, message, channel }: FormatInput): FormatOutput {
  const { value, text, problem } = parseJson(message.payload)
  // A status is an event unless it carries a reading; a last will is often plain text.
  if (channel === 'status' && !holdsReading(value)) return EVENT
  if (problem) return { drafts: [], refused: [problem] }
  const whole = refuseWhole(value, device.kind)
  if (whole) return { drafts: [], refused: [whole] }
  // `refuseWhole` has refused the gateway, which has no kind of its own.
  const own = device.kind as Kind
  const suspect = text.includes('__proto__') || mayHideFaults(message.payload, value)
  const faults = suspect ? faultsByItem(text, value) : NO_FAULTS
  if (Array.isArray(value)) return readArray(value, own, faults)
  const result = faults.get(-1) ?? readElement(value, -1, own)
  if ('reason' in result) return { drafts: [], refused: [result] }
  return { drafts: [{ ...result, hash: hashBytes(message.payload) }], refused: [] }
}

function readArray(
  elements: readonly unknown[],
  own: Kind,
  faults: ReadonlyMap<number, RefusedItem>,
): FormatOutput {
  const drafts: Draft[] = []
  const refused: RefusedItem[] = []
  for (const [item, element] of elements.entries()) {
    const result = faults.get(item) ?? readElement(element, item, own)
    if ('reason' in result) refused.push(result)
    else drafts.push({ ...result, hash: hashText(JSON.stringify(element)) })
  }
  return { drafts, refused }
}

function holdsReading(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isReading)
  return isReading(value)
}

function isReading(value: unknown): boolean {
  if (!isRecord(value) || value['kind'] === undefined) return false
  return value['data'] !== undefined || value['radio'] !== undefined
}

function refuseWhole(value: unknown, kind: Kind | 'gateway'): RefusedItem | null {
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

const NO_FAULTS: ReadonlyMap<number, RefusedItem> = new Map()

/** The first fault of each element; of the whole message (-1) when it is no array. */
function faultsByItem(text: string, value: unknown): ReadonlyMap<number, RefusedItem> {
  const faults = new Map<number, RefusedItem>()
  for (const { path, fault } of findJsonFaults(text)) {
    const item = Array.isArray(value) ? Number(path[0]) : -1
    if (faults.has(item)) continue
    const within = (item < 0 ? path : path.slice(1)).slice(0, SHOWN_LEVELS)
    faults.set(item, refusal(item, 'malformed', { path: within, ...FAULT_WORDS[fault] }))
  }
  return faults
}
