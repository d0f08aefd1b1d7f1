import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import type { Device } from '#lib/registry/registry.ts'
import { FORMATS, FORMAT_NAMES, formatNamed } from '../../../../ingest/formats/catalogue.ts'
import { native } from '../../../../ingest/formats/native.ts'
import { formatInput } from '../../../support/format-input.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

function parse(payload: unknown, kind: Device['kind'] = 'truck', channel = 'telemetry') {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  return native.parse(formatInput(bytes(text), kind, channel))
}

/** A good truck reading with some parts replaced. */
const truck = (parts: Record<string, unknown> = {}) => ({
  v: 1,
  kind: 'truck',
  ts: 1_764_000_000_123,
  seq: 42,
  data: { speedKmh: 83.25 },
  ...parts,
})

/** The one refusal of a payload that is refused as a whole. */
function refusalOf(payload: unknown, kind?: Device['kind']) {
  const { elements, refused } = parse(payload, kind)
  expect(elements).toEqual([])
  expect(refused).toHaveLength(1)
  return refused[0]
}

describe('a native payload', () => {
  it('becomes an element with time, sequence, fields, radio and the hash of its bytes', () => {
    const radio = { rat: 'nr-sa', rsrpDbm: -85, cellId: '5C422503D' }
    const payload = JSON.stringify(truck({ radio }))
    expect(parse(payload)).toEqual({
      elements: [
        {
          elementIndex: -1,
          kind: 'truck',
          seq: 42,
          timeNs: 1_764_000_000_123_000_000n,
          flags: 0,
          fields: { speedKmh: 83.25 },
          radio,
          hash: hashBytes(bytes(payload)),
        },
      ],
      refused: [],
    })
  })

  it('needs neither time nor sequence nor radio, and accepts null for each', () => {
    for (const absent of [undefined, null]) {
      const [element] = parse(truck({ ts: absent, seq: absent, radio: absent })).elements
      expect(element).toMatchObject({ timeNs: null, seq: null, radio: null })
    }
  })

  it('may hold unknown names, null for absent values, and sentinels', () => {
    const data = { speedKmh: 50, fuelPct: null, gcwKg: 655350, colour: 'red', x: { y: [1] } }
    const [element] = parse(truck({ data, extra: { deep: [{ er: 1 }] } })).elements
    expect(element?.fields).toEqual({ speedKmh: 50 })
  })

  it('keeps values out of range, flagged, also those of the radio part', () => {
    const [fast] = parse(truck({ data: { speedKmh: 400 } })).elements
    expect(fast).toMatchObject({ fields: { speedKmh: 400 }, flags: FLAGS.out_of_range })
    const [loud] = parse(truck({ radio: { rsrpDbm: 12 } })).elements
    expect(loud).toMatchObject({ radio: { rsrpDbm: 12 }, flags: FLAGS.out_of_range })
  })

  it('has no radio part when all of it is "not available"', () => {
    expect(parse(truck({ radio: { rsrpDbm: 2147483647 } })).elements[0]?.radio).toBeNull()
    expect(parse(truck({ radio: {} })).elements[0]?.radio).toBeNull()
  })

  it('with a wrong clock is not refused: the time is passed on', () => {
    const [element] = parse(truck({ ts: '2004-01-01T00:00:36Z' })).elements
    expect(element?.timeNs).toBe(1_072_915_236_000_000_000n)
  })

  it.each([0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER])('accepts sequence number %d', (seq) => {
    expect(parse(truck({ seq })).elements[0]?.seq).toBe(seq)
  })
})

describe('the kind of a native payload', () => {
  it('is that of the device, or radio or probe', () => {
    expect(parse({ v: 1, kind: 'probe', data: { rttMs: 21 } }).elements[0]?.kind).toBe('probe')
    expect(parse({ v: 1, kind: 'radio', data: { sinrDb: 17 } }).elements[0]?.kind).toBe('radio')
    expect(refusalOf({ v: 1, kind: 'robot', data: { xM: 1 } })).toEqual({
      elementIndex: -1,
      reason: 'kind',
      path: 'kind',
      expected: 'one of truck, radio, probe',
      got: '"robot"',
    })
  })

  it.each(['car', '__proto__', 'constructor', '', 'Truck'])('is never %j', (kind) => {
    expect(refusalOf(truck({ kind }))).toMatchObject({ reason: 'kind', path: 'kind' })
  })

  it('is a text', () => {
    expect(refusalOf(truck({ kind: 7 }))).toMatchObject({ reason: 'schema', got: 'number' })
    expect(refusalOf({})).toMatchObject({ reason: 'schema', path: 'kind', got: 'nothing' })
  })

  it.each(['truck', 'radio', 'probe'])('is refused from a gateway: %s', (kind) => {
    const refusal = refusalOf({ v: 1, kind, data: { speedKmh: 3 } }, 'gateway')
    expect(refusal).toMatchObject({ elementIndex: -1, reason: 'kind', path: 'kind' })
  })
})

describe('a radio reading', () => {
  const values = { rat: 'lte', rsrpDbm: -101, pci: 12, cellId: '1a2b' }
  const fields = { rat: 'lte', rsrpDbm: -101, pci: 12, cellId: '1A2B' }
  const radio = { rat: 'lte', rsrpDbm: -101, cellId: '1A2B' }

  it('may be in `radio` or in `data`: its values become fields and the radio part', () => {
    expect(parse({ v: 1, kind: 'radio', radio: values }).elements[0]).toMatchObject({
      fields,
      radio,
    })
    expect(parse({ v: 1, kind: 'radio', data: values }).elements[0]).toMatchObject({
      fields,
      radio,
    })
  })

  it('may be split over both; then `data` wins', () => {
    const both = { v: 1, kind: 'radio', radio: values, data: { rsrpDbm: -99, cqi: 9 } }
    const [element] = parse(both).elements
    expect(element?.fields).toEqual({ ...fields, rsrpDbm: -99, cqi: 9 })
    expect(element?.radio).toEqual({ ...radio, rsrpDbm: -99 })
  })
})

describe('an array', () => {
  it('gives an element per good reading and a refusal per bad one, with its index', () => {
    const good = truck()
    const output = parse([good, truck({ data: { speedKmh: '83' } }), 5, truck({ seq: 43 })])
    expect(output.elements.map(({ elementIndex, seq }) => [elementIndex, seq])).toEqual([
      [0, 42],
      [3, 43],
    ])
    expect(output.refused).toEqual([
      {
        elementIndex: 1,
        reason: 'schema',
        path: '[1].data.speedKmh',
        expected: 'number',
        got: 'string',
      },
      { elementIndex: 2, reason: 'schema', path: '[2]', expected: 'object', got: 'number' },
    ])
  })

  it('gives equal elements equal hashes, whatever is around them', () => {
    const [one] = parse([truck()]).elements
    const [, two] = parse([truck({ seq: 1 }), truck()]).elements
    expect(one?.hash).toBe(two?.hash)
    const [, other] = parse([truck(), truck({ data: { speedKmh: 83.26 } })]).elements
    expect(other?.hash).not.toBe(one?.hash)
  })

  it('refuses only the element with a doubled name or deep nesting', () => {
    const doubled = '{"v":1,"kind":"truck","data":{"speedKmh":1,"speedKmh":2}}'
    const deep = `{"v":1,"kind":"truck","data":{"speedKmh":1},"x":${'['.repeat(40)}${']'.repeat(40)}}`
    const { elements, refused } = parse(`[${JSON.stringify(truck())},${doubled},${deep}]`)
    expect(elements.map(({ elementIndex }) => elementIndex)).toEqual([0])
    expect(refused.map(({ elementIndex, path, got }) => [elementIndex, path, got])).toEqual([
      [1, '[1].data.speedKmh', 'the same name twice'],
      [2, '[2].x[0][0][0]', 'more levels'],
    ])
  })
})

describe('a native payload is refused with reason and path', () => {
  it.each([
    ['another version', truck({ v: 2 }), 'v', '1', '2'],
    ['a version as text', truck({ v: '1' }), 'v', '1', '"1"'],
    ['text for a number', truck({ data: { speedKmh: '83' } }), 'data.speedKmh', 'number', 'string'],
    ['a number for a flag', truck({ data: { ignition: 1 } }), 'data.ignition', 'boolean', 'number'],
    ['data that is a list', truck({ data: [1] }), 'data', 'object', 'array'],
    ['half a position', truck({ data: { lat: 54.8 } }), 'data.lon', 'since lat', 'nothing'],
    ['no data', truck({ data: undefined }), 'data', 'at least one value of truck', 'nothing'],
    ['empty data', truck({ data: {} }), 'data', 'at least one value', 'an empty object'],
    ['unknown data', truck({ data: { mood: 1 } }), 'data', 'at least one value', 'only mood'],
    ['sentinels alone', truck({ data: { odometerM: -1 } }), 'data', 'at least one', 'odometerM'],
    [
      'a long text',
      truck({ data: { driverState: 'x'.repeat(65) } }),
      'data.driverState',
      '64',
      '65',
    ],
    ['a negative sequence', truck({ seq: -1 }), 'seq', 'whole number', '-1'],
    ['half a sequence', truck({ seq: 1.5 }), 'seq', 'whole number', '1.5'],
    ['a sequence beyond 2^53', truck({ seq: 2 ** 53 }), 'seq', 'whole number', '9007199254740992'],
    ['a time without a zone', truck({ ts: '2025-11-24T16:00:00' }), 'ts', 'with a zone', '"2025'],
    ['a time in ns as a number', truck({ ts: 1.764e18 }), 'ts', 'as a string', '1764'],
    ['an unknown technology', truck({ radio: { rat: '5g' } }), 'radio.rat', 'nr-sa', '"5g"'],
    [
      'a cell that is no number',
      truck({ radio: { cellId: '-' } }),
      'radio.cellId',
      'text like',
      '"-"',
    ],
    ['a radio that is text', truck({ radio: 'good' }), 'radio', 'object', 'string'],
    ['an empty array', [], '', 'at least one reading', 'empty array'],
    ['null', null, '', 'object or array of objects', 'null'],
    ['a number', 42, '', 'object or array of objects', 'number'],
  ])('%s', (_name, payload, path, expected, got) => {
    expect(refusalOf(payload)).toEqual({
      elementIndex: -1,
      reason: 'schema',
      path,
      expected: expect.stringContaining(expected),
      got: expect.stringContaining(got),
    })
  })

  it.each([
    ['no bytes', '', '', 'an empty payload'],
    ['plain text', 'hello', '', "Unexpected token 'h'"],
    ['JSON that breaks off', '{"v":1', '', 'position 6'],
    ['an empty start', '[', '', 'after 1 characters'],
    ['NaN', '{"v":1,"kind":"truck","data":{"speedKmh":NaN}}', '', 'NaN'],
    ['a byte order mark', '\uFEFF{"v":1}', '', 'a byte order mark'],
    ['a doubled name', '{"v":1,"v":1,"kind":"truck","data":{"speedKmh":1}}', 'v', 'twice'],
    ['an escaped double', '{"v":1,"\\u0076":1,"kind":"truck"}', 'v', 'twice'],
    ['__proto__', '{"v":1,"kind":"truck","__proto__":{"data":{}}}', '__proto__', '__proto__'],
    ['__proto__ in data', '{"v":1,"kind":"truck","data":{"__proto__":1}}', 'data.__proto__', '__p'],
    ['a deep object', `{"a":`.repeat(400) + '1' + '}'.repeat(400), 'a.a.a.a', 'more levels'],
    ['one that V8 must not see', `{"a":`.repeat(5000) + '1' + '}'.repeat(5000), '', '500 levels'],
  ])('%s as malformed', (_name, text, path, got) => {
    expect(refusalOf(text)).toMatchObject({
      reason: 'malformed',
      path,
      got: expect.stringContaining(got),
    })
  })

  it('a number too large for a double, named as such', () => {
    const text = '{"v":1,"kind":"truck","data":{"speedKmh":1e999}}'
    expect(refusalOf(text)).toMatchObject({ path: 'data.speedKmh', got: 'a number too large' })
  })

  it('bytes that are not UTF-8, but not the replacement character itself', () => {
    const latin1 = new Uint8Array([...bytes('{"v":1,"kind":"truck","x":"'), 0xe6, 0x22, 0x7d])
    const { refused } = native.parse(formatInput(latin1))
    expect(refused[0]).toMatchObject({ reason: 'malformed', got: 'bytes that are not UTF-8' })
    expect(parse(truck({ data: { driverState: '\uFFFD' } })).elements).toHaveLength(1)
  })

  it('a deep array, element by element', () => {
    const { elements, refused } = parse('['.repeat(400) + ']'.repeat(400))
    expect(elements).toEqual([])
    expect(refused[0]).toMatchObject({ elementIndex: 0, reason: 'malformed', got: 'more levels' })
  })

  it('in a short text, however long the names and values of the payload are', () => {
    const long = 'x'.repeat(50_000)
    for (const payload of [
      truck({ kind: long }),
      truck({ ts: long }),
      truck({ data: { [long]: 1 } }),
    ]) {
      expect(JSON.stringify(refusalOf(payload)).length).toBeLessThan(400)
    }
  })
})

describe('names that are not doubled', () => {
  it.each([
    ['colons in a time', truck({ ts: '2025-11-24T17:00:00+01:00' })],
    ['colons and brackets in texts', truck({ data: { driverState: '{"a":[1,2' } })],
    ['quotes in texts', truck({ data: { driverState: 'a\\"b":"c' } })],
    [
      'the same name in sister objects',
      truck({ x: { a: 1 }, y: { a: 1 }, z: [{ a: 1 }, { a: 1 }] }),
    ],
    ['names of the envelope in data', truck({ data: { speedKmh: 1, v: 2, kind: 'x', data: {} } })],
  ])('%s are accepted', (_name, payload) => {
    expect(parse(payload).refused).toEqual([])
  })
})

describe('the status channel', () => {
  it.each(['online', '', '{"state":"online"}', '[]', 'null', '{"kind":"truck"}', '[{"a":1}]'])(
    'takes %j for an event: neither element nor refusal',
    (text) => expect(parse(text, 'truck', 'status')).toEqual({ elements: [], refused: [] }),
  )

  it('accepts a reading', () => {
    expect(parse(truck(), 'truck', 'status').elements).toHaveLength(1)
    expect(parse(truck({ v: 3 }), 'truck', 'status').refused).toHaveLength(1)
  })

  it('makes a message of a gateway an event too', () => {
    expect(parse('{"state":"online"}', 'gateway', 'status').refused).toEqual([])
  })
})

describe('any payload at all', () => {
  it('never throws, and becomes elements or refusals on the telemetry channel', () => {
    const text = fc.oneof(
      fc.json(),
      fc.string(),
      fc.jsonValue().map((v) => JSON.stringify(truck({ data: v }))),
    )
    const payload = fc.oneof(fc.uint8Array({ maxLength: 300 }), text.map(bytes))
    fc.assert(
      fc.property(payload, (given) => {
        const { elements, refused } = native.parse(formatInput(given))
        expect(elements.length + refused.length).toBeGreaterThan(0)
      }),
      propertyRuns(2000),
    )
  })

  it('has the same result with its names in any order', () => {
    const names = ['v', 'kind', 'ts', 'seq', 'data'] as const
    fc.assert(
      fc.property(fc.shuffledSubarray([...names], { minLength: 5 }), (order) => {
        const given: Record<string, unknown> = truck()
        const payload = Object.fromEntries(order.map((name) => [name, given[name]]))
        const { hash: _, ...element } = parse(payload).elements[0]!
        const { hash: __, ...expected } = parse(truck()).elements[0]!
        expect(element).toEqual(expected)
      }),
      propertyRuns(),
    )
  })
})

describe('the catalogue of formats', () => {
  it('has a format for its name, and none for the name of a built-in', () => {
    expect(FORMAT_NAMES).toEqual(Object.values(FORMATS).map(({ name }) => name))
    expect(formatNamed('native')).toBe(native)
    for (const name of ['telemetry', 'status', '__proto__', 'toString', '']) {
      expect(formatNamed(name)).toBeNull()
    }
  })
})
