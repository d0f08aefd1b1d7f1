import type { Device } from '#lib/registry/registry.ts'
import { KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import type { Random } from '#lib/runtime/random.ts'
import { nestsTooDeep } from '#lib/telemetry/json-depth.ts'
import { CASE_FORMATS, casesOf } from './format-cases.ts'

/** The input of a format in a test of any bytes. */
export interface FuzzInput {
  readonly format: string
  readonly payload: Uint8Array
  readonly kind: Device['kind']
  readonly channel: string
  readonly settings: Device['settings']
}

/** Every case of every format, as in `tests/cases`. */
export function readCases(): readonly FuzzInput[] {
  return CASE_FORMATS.flatMap(casesOf).map(({ format, payload, expected }) => {
    const { device: kind, channel = 'telemetry', settings = {} } = expected
    return { format, payload, kind, channel, settings }
  })
}

/**
 * Levels that an input nests at most: far beyond those at which `JSON.parse` of the V8 that Node
 * 26.10 brings damages the memory of the process (`lib/telemetry/json-depth.ts`).
 */
export const DEPTH = { most: 20_000 }

const KINDS: readonly Device['kind'][] = [...KIND_NAMES, 'gateway']

/** The longest message (`PADBORG_MQTT_MAX_PACKET_BYTES`); most inputs are shorter. */
const MAX_BYTES = 256 * 1024

/**
 * A case with one to four faults: in its bytes, and now and then in its channel, kind or settings.
 * The same random numbers give the same input.
 */
export function mutated(cases: readonly FuzzInput[], random: Random): FuzzInput {
  const base = random.pick(cases)
  let payload: Buffer = Buffer.from(base.payload)
  const changes = random.integer(1, 4)
  for (let n = 0; n < changes; n += 1) {
    payload = random.pick(CHANGES)(payload, random, cases).subarray(0, MAX_BYTES)
  }
  // Successive changes may double the depth.
  if (nestsTooDeep(payload.toString('utf8'), DEPTH.most)) payload = Buffer.from(base.payload)
  const rarely = () => random.next() < 0.1
  return {
    format: rarely() ? random.pick(cases).format : base.format,
    payload,
    kind: rarely() ? random.pick(KINDS) : base.kind,
    channel: rarely() ? random.pick(cases).channel : base.channel,
    settings: rarely() ? settingsOf(base.settings, random) : base.settings,
  }
}

type Change = (bytes: Buffer, random: Random, cases: readonly FuzzInput[]) => Buffer

const CHANGES: readonly Change[] = [
  flipBits,
  cutOut,
  doubled,
  withBytes,
  withPartOfAnother,
  otherNumber,
  otherValue,
  otherNumber,
  otherValue,
  otherName,
  nested,
  longArray,
  random_,
]

const at = (bytes: Buffer, random: Random) => random.integer(0, bytes.length)

function span(bytes: Buffer, random: Random): readonly [number, number] {
  const [a, b] = [at(bytes, random), at(bytes, random)]
  return a < b ? [a, b] : [b, a]
}

function replaced(bytes: Buffer, [from, to]: readonly [number, number], by: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)])
}

function flipBits(bytes: Buffer, random: Random): Buffer {
  const flipped = Buffer.from(bytes)
  for (let n = random.integer(1, 8); n > 0 && bytes.length > 0; n -= 1) {
    const place = random.integer(0, bytes.length - 1)
    flipped.writeUInt8(flipped.readUInt8(place) ^ (1 << random.integer(0, 7)), place)
  }
  return flipped
}

function cutOut(bytes: Buffer, random: Random): Buffer {
  return replaced(bytes, span(bytes, random), Buffer.alloc(0))
}

function doubled(bytes: Buffer, random: Random): Buffer {
  const [from, to] = span(bytes, random)
  const part = bytes.subarray(from, to)
  return replaced(bytes, [to, to], Buffer.concat([part, part]))
}

function withBytes(bytes: Buffer, random: Random): Buffer {
  const place = at(bytes, random)
  return replaced(bytes, [place, place], random_(bytes, random))
}

function withPartOfAnother(bytes: Buffer, random: Random, cases: readonly FuzzInput[]): Buffer {
  const other = Buffer.from(random.pick(cases).payload)
  const [from, to] = span(other, random)
  return replaced(bytes, span(bytes, random), other.subarray(from, to))
}

function random_(_bytes: Buffer, random: Random): Buffer {
  return Buffer.from(Array.from({ length: random.integer(0, 64) }, () => random.integer(0, 255)))
}

const NUMBERS = [
  '0',
  '-0',
  '1e999',
  '-1e308',
  '5e-324',
  '9007199254740993',
  '18446744073709551616',
  '1764000000000000000',
  '-9223372036854775809',
  '65535',
  '-1',
  'NaN',
  'Infinity',
  '0x10',
  '1_0',
  '١',
  '"12,5"',
  '1'.repeat(400),
  `0.${'0'.repeat(400)}1`,
]

const VALUES = [
  'null',
  'true',
  '""',
  '[]',
  '{}',
  '[null]',
  '{"__proto__":{"x":1}}',
  '{"constructor":1,"toString":2}',
  String.raw`"\u0000\ud800"`,
  '"9999-99-99T99:99:99Z"',
  '"2026-02-30T25:00:00+99:99"',
  '"1111-11-11"',
  `"${'ab'.repeat(3000)}"`,
  '"%s ${x} \\\\ \'"',
]

function otherNumber(bytes: Buffer, random: Random): Buffer {
  return exchanged(bytes, /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi, NUMBERS, random)
}

function otherValue(bytes: Buffer, random: Random): Buffer {
  return exchanged(
    bytes,
    /"[^"]*"(?!\s*:)|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?/g,
    VALUES,
    random,
  )
}

function otherName(bytes: Buffer, random: Random): Buffer {
  const names = ['"ts"', '"vin"', '"__proto__"', '"data"', '"n"', '""', '"length"', '"then"']
  return exchanged(bytes, /"[^"]*"(?=\s*:)/g, names, random)
}

/** One of the matching places replaced by another text. */
function exchanged(bytes: Buffer, what: RegExp, by: readonly string[], random: Random): Buffer {
  const text = bytes.toString('latin1')
  const places = [...text.matchAll(what)]
  if (places.length === 0) return flipBits(bytes, random)
  const { index, 0: found } = random.pick(places)
  return replaced(bytes, [index, index + found.length], Buffer.from(random.pick(by)))
}

function nested(bytes: Buffer, random: Random): Buffer {
  const depth = random.integer(1, DEPTH.most)
  const [open, close] = random.pick([
    ['[', ']'],
    ['{"a":', '}'],
    ['[[],', ']'],
    // Maps and arrays of CBOR, as SenML has them.
    ['\u0081', ''],
    ['\u00a1\u0000', ''],
  ] as const)
  const [before, after] = [open.repeat(depth), close.repeat(depth)]
  return Buffer.concat([Buffer.from(before, 'latin1'), bytes, Buffer.from(after, 'latin1')])
}

function longArray(bytes: Buffer, random: Random): Buffer {
  const times = random.integer(1, Math.max(1, Math.min(200, MAX_BYTES / (bytes.length + 1))))
  const parts = Array.from({ length: times }, () => bytes.toString('latin1'))
  return Buffer.from(`[${parts.join(',')}]`, 'latin1')
}

/** Settings are checked when they are written, but not each for each format. */
function settingsOf(settings: Device['settings'], random: Random): Device['settings'] {
  const odd: readonly unknown[] = [null, '', 'x', -1, 1e300, [], {}, true, 'Europe/Nowhere', [[0]]]
  const names = [
    ...Object.keys(settings),
    'lenient',
    'timezone',
    'imei',
    'vin',
    'meterId',
    'factsheet',
    'unit',
    'fields',
  ]
  return { ...settings, [random.pick(names)]: random.pick(odd) }
}
