import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import type { Device } from '#lib/registry/registry.ts'
import { vda5050 } from '../../../../ingest/formats/vda5050.ts'
import { RULES } from '../../../../ingest/formats/vda5050/fields.ts'
import { formatInput } from '../../../support/format-input.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

const TOPIC = 'uagv/v2/Fjordbot/FB-0007/state'

interface From {
  readonly topic?: string
  readonly kind?: Device['kind']
  readonly settings?: Device['settings']
}

function parse(payload: unknown, { topic = TOPIC, kind = 'robot', settings = {} }: From = {}) {
  const raw = payload instanceof Uint8Array ? payload : bytes(JSON.stringify(payload))
  const input = formatInput(raw, kind, topic)
  return vda5050.parse({ ...input, device: { ...input.device, settings } })
}

/** A good state of 2.1 with some parts replaced; undefined takes a part away. */
const state = (parts: Record<string, unknown> = {}) => ({
  headerId: 7,
  timestamp: '2025-11-24T16:00:00.123Z',
  version: '2.1.0',
  manufacturer: 'Fjordbot',
  serialNumber: 'FB-0007',
  orderId: '',
  orderUpdateId: 0,
  lastNodeId: '',
  lastNodeSequenceId: 0,
  nodeStates: [],
  edgeStates: [],
  actionStates: [],
  driving: false,
  batteryState: { batteryCharge: 80, charging: false },
  operatingMode: 'AUTOMATIC',
  errors: [],
  safetyState: { eStop: 'NONE', fieldViolation: false },
  ...parts,
})

const lenient: From = { settings: { lenient: true } }

function elementOf(payload: unknown, from?: From) {
  const { elements, refused } = parse(payload, from)
  expect(refused).toEqual([])
  expect(elements).toHaveLength(1)
  return elements[0]
}

function refusalOf(payload: unknown, from?: From) {
  const { elements, refused } = parse(payload, from)
  expect(elements).toEqual([])
  expect(refused).toHaveLength(1)
  return refused[0]
}

describe('a state', () => {
  it('is a reading with the header id as sequence and the hash of its bytes', () => {
    const payload = bytes(JSON.stringify(state()))
    const expected = { seq: 7, timeNs: 1_764_000_000_123_000_000n, flags: 0, radio: null }
    expect(elementOf(payload)).toMatchObject({ ...expected, hash: hashBytes(payload) })
  })

  it('is refused with the names of all required fields that are missing', () => {
    const given = state({ errors: undefined, batteryState: { batteryCharge: 1 }, orderId: null })
    expect(refusalOf(given)).toEqual({
      elementIndex: -1,
      reason: 'schema',
      path: 'orderId',
      expected: 'string',
      got: 'null; also missing: errors, batteryState.charging',
    })
  })

  it.each([
    ['batteryState', { batteryState: undefined }, 'batteryState', 'nothing'],
    ['batteryState that is text', { batteryState: 'full' }, 'batteryState', 'string'],
    ['a list for a number', { orderUpdateId: [] }, 'orderUpdateId', 'array'],
    ['an object for a list', { errors: {} }, 'errors', 'object'],
    ['half a position', { agvPosition: { x: 1 } }, 'agvPosition.y', 'nothing; also missing: '],
    ['a velocity in words', { velocity: { vx: 'fast' } }, 'velocity.vx', 'string'],
    ['half a header id', { headerId: 1.5 }, 'headerId', '1.5'],
    ['a negative header id', { headerId: -1 }, 'headerId', '-1'],
    ['a long map id', { orderId: 'x'.repeat(129) }, 'orderId', '129 characters'],
    ['an error that is text', { errors: ['E1'] }, 'errors[0]', 'string'],
    ['an error without type', { errors: [{ errorLevel: 'FATAL' }] }, 'errors[0].errorType', 'noth'],
    ['a load that is text', { loads: [{}, 'box'] }, 'loads[1]', 'string'],
    ['a weight in words', { loads: [{ weight: 'light' }] }, 'loads[0].weight', 'string'],
    ['a time in digits', { timestamp: '1764000000' }, 'timestamp', '"1764000000"'],
    ['a time in words', { timestamp: 'now' }, 'timestamp', '"now"'],
    ['no such day without a zone', { timestamp: '2025-02-30T01:00:00' }, 'timestamp', '"2025-02'],
  ])('is refused for %s', (_name, parts, path, got) => {
    const expected = expect.any(String)
    expect(refusalOf(state(parts))).toEqual({
      elementIndex: -1,
      reason: 'schema',
      path,
      expected,
      got: expect.stringContaining(got),
    })
  })

  it('is refused for a number too large, however it is written', () => {
    const text = JSON.stringify(state()).replace('80', '1e999')
    const path = 'batteryState.batteryCharge'
    expect(refusalOf(bytes(text))).toMatchObject({ path, got: 'a number too large' })
  })

  it('is read by its names where the version is unknown', () => {
    const safetyState = { activeEmergencyStop: 'MANUAL', fieldViolation: false }
    const power = { batteryState: undefined, powerSupply: { stateOfCharge: 5, charging: true } }
    for (const version of ['0.8.4', '4.1.0', '', 3, null, undefined]) {
      const three = state({ version, safetyState, ...power, instantActionStates: [] })
      expect(elementOf(three)?.fields).toMatchObject({ socPct: 5, eStop: 'MANUAL' })
      expect(elementOf(state({ version }))?.fields).toMatchObject({ socPct: 80 })
    }
  })

  it('is read by its topic where version and names are unknown', () => {
    const given = state({ version: undefined, batteryState: undefined, safetyState: undefined })
    const three = refusalOf(given, { topic: 'vda5050/v3/a/b/state' })
    expect(three?.path).toBe('instantActionStates')
    expect(refusalOf(given)?.path).toBe('batteryState')
  })

  it('is refused for deep nesting, doubled names and __proto__', () => {
    const text = JSON.stringify(state())
    const deep = JSON.stringify(state({ x: JSON.parse('['.repeat(40) + ']'.repeat(40)) }))
    const doubled = text.replace('"charging":false', '"charging":true,"charging":false')
    // An escaped colon makes up for the colon of the doubled name.
    const hidden = doubled.replace('"orderId":""', '"orderId":"\\u003a"')
    for (const [given, got] of [
      [deep, 'more levels'],
      [doubled, 'the same name twice'],
      [hidden, 'the same name twice'],
      [text.replace('"orderId"', '"__proto__":1,"orderId"'), '__proto__'],
    ] as const) {
      expect(refusalOf(bytes(given))).toMatchObject({ reason: 'malformed', got })
    }
    expect(elementOf(state({ orderId: 'a:b', 'x:y': [{ 'p:q': '::' }] }))?.fields).toBeDefined()
  })
})

describe('the time of a message', () => {
  const local = state({ timestamp: '2025-07-01T14:00:00.5' })

  it('without a zone is unknown, and flagged', () => {
    expect(elementOf(local)).toMatchObject({ timeNs: null, flags: FLAGS.clock_invalid })
  })

  it('without a zone is local where the settings of the robot name the zone', () => {
    const noon = BigInt(Date.UTC(2025, 6, 1, 12)) * 1_000_000n + 500_000_000n
    const settings = { timezone: 'Europe/Copenhagen' }
    expect(elementOf(local, { settings })).toMatchObject({ timeNs: noon, flags: 0 })
    for (const timezone of ['Mars/Olympus', '', 1, null]) {
      const element = elementOf(local, { settings: { timezone } })
      expect(element).toMatchObject({ timeNs: null, flags: FLAGS.clock_invalid })
    }
  })

  it('is in the first of the two hours in autumn, and within 64 bits', () => {
    const settings = { timezone: 'Europe/Copenhagen' }
    const twice = elementOf(state({ timestamp: '2025-10-26T02:30:00' }), { settings })
    expect(twice?.timeNs).toBe(BigInt(Date.UTC(2025, 9, 26, 0, 30)) * 1_000_000n)
    const far = elementOf(state({ timestamp: '9999-01-01T00:00:00' }), { settings })
    expect(far?.timeNs).toBe(9_223_372_036_854_775_807n)
  })
})

describe('the identity of a message', () => {
  const flagsOf = (parts: Record<string, unknown>, topic?: string) =>
    elementOf(state(parts), topic === undefined ? {} : { topic })?.flags

  it('comes from the topic; another one in the payload is flagged', () => {
    expect(flagsOf({})).toBe(0)
    expect(flagsOf({ serialNumber: 'FB-0008' })).toBe(FLAGS.identity_mismatch)
    expect(flagsOf({ manufacturer: 'fjordbot' })).toBe(FLAGS.identity_mismatch)
  })

  it('is not taken from topics of another form', () => {
    for (const topic of ['fleet/yard/r7/state', 'a/b/c/d/e/state', 'vda5050']) {
      expect(flagsOf({}, topic)).toBe(0)
    }
  })
})

describe('the topic of a message', () => {
  const seen = { agvPosition: { x: 1, y: 2, theta: 0, mapId: 'm', positionInitialized: true } }

  it.each(['order', 'instantActions', 'factsheet', 'responses', 'zoneSet', 'events/x', 'status'])(
    'makes %s an event, whatever is in it',
    (level) => {
      for (const payload of [bytes(''), bytes('{"a'), state()]) {
        const topic = `uagv/v2/Fjordbot/FB-0007/${level}`
        expect(parse(payload, { topic })).toEqual({ elements: [], refused: [] })
      }
    },
  )

  it('makes a connection an event, also the empty one that deletes it', () => {
    const topic = 'uagv/v2/Fjordbot/FB-0007/connection'
    const { headerId, timestamp, manufacturer, serialNumber } = state()
    const header = { headerId, timestamp, manufacturer, serialNumber }
    for (const connectionState of ['ONLINE', 'CONNECTIONBROKEN', 'connectionBroken']) {
      const output = parse({ ...header, connectionState }, { topic })
      expect(output).toEqual({ elements: [], refused: [] })
    }
    expect(parse(bytes(''), { topic }).refused).toEqual([])
    expect(refusalOf({ ...header }, { topic })?.path).toBe('connectionState')
    expect(refusalOf(bytes(''))).toMatchObject({ reason: 'malformed' })
  })

  it('is recognised by the shape on a native channel, where only states have a sequence', () => {
    for (const topic of ['vda5050', 'telemetry']) {
      expect(elementOf(state(), { topic })?.seq).toBe(7)
      const header = { headerId: 3, timestamp: '2025-11-24T16:00:00Z' }
      expect(elementOf({ ...header, ...seen }, { topic })).toMatchObject({
        seq: null,
        kind: 'robot',
      })
      for (const event of [{ typeSpecification: {} }, { nodes: [] }, { connectionState: 1 }]) {
        expect(parse(event, { topic }).elements).toEqual([])
      }
    }
    const own = { topic: 'uagv/v2/Fjordbot/FB-0007/visualization' }
    expect(elementOf({ headerId: 3, ...seen }, own)?.seq).toBe(3)
  })

  it('may be the telemetry channel with a native payload of radio or probe', () => {
    const radio = { v: 1, kind: 'radio', data: { rsrpDbm: -85 } }
    const { elements } = parse([radio, { v: 1, kind: 'probe', data: { rttMs: 9 } }], {
      topic: 'telemetry',
    })
    expect(elements.map(({ kind }) => kind)).toEqual(['radio', 'probe'])
    expect(parse(radio).elements).toEqual([])
  })

  it('is refused for a device that is no robot, unless it is an event', () => {
    const topic = 'uagv/v2/Fjordbot/FB-0007/factsheet'
    for (const kind of ['truck', 'gateway'] as const) {
      expect(refusalOf(state(), { kind })).toMatchObject({ reason: 'kind' })
      expect(parse({}, { kind, topic }).refused).toEqual([])
    }
  })

  it('visualization needs a header, a position or a velocity', () => {
    const topic = 'uagv/v2/Fjordbot/FB-0007/visualization'
    const expected = 'agvPosition or velocity'
    expect(refusalOf({}, { topic })).toMatchObject({ expected, got: 'an empty object' })
    expect(refusalOf({ a: 1 }, { topic })?.got).toBe('only a')
    const header = { version: '2.0.0', headerId: 3, timestamp: '2025-11-24T16:00:00.00Z' }
    expect(parse({ ...header, a: 1 }, { topic })).toEqual({ elements: [], refused: [] })
  })
})

describe('a robot with the setting lenient', () => {
  it('is read as far as possible, also by names seen in the field', () => {
    const given = {
      timeStamp: '2025-11-24T16:00:00Z',
      headerId: 'seven',
      batteryState: { percentage: 107, currentVoltage: 9.2, charging: 'no' },
      safetyState: { emergencyStopType: 'AUTOACK', protectiveFieldViolated: true },
      agvPosition: { x: 1.5, y: 2.5, mapId: 'm'.repeat(500) },
      velocity: 5,
      operatingMode: 'DUAL',
      errors: ['E1', { errorLevel: 'FATAL' }],
      load: [{ weight: 4 }, 'box'],
    }
    expect(elementOf(given, lenient)).toMatchObject({
      seq: null,
      timeNs: 1_764_000_000_000_000_000n,
      flags: FLAGS.out_of_range,
      fields: {
        socPct: 107,
        batteryV: 9.2,
        eStop: 'AUTOACK',
        fieldViolation: true,
        xM: 1.5,
        yM: 2.5,
        operatingMode: 'DUAL',
        errors: 2,
        fatalErrors: 1,
        loads: 2,
      },
    })
  })

  it('may send its time as a number; one that cannot be read is flagged', () => {
    const timeNs = 1_764_000_000_123_000_000n
    expect(elementOf(state({ timestamp: 1_764_000_000_123 }), lenient)).toMatchObject({ timeNs })
    const unknown = elementOf(state({ timestamp: 'noon' }), lenient)
    expect(unknown).toMatchObject({ timeNs: null, flags: FLAGS.clock_invalid })
    expect(elementOf(state({ timestamp: undefined }), lenient)).toMatchObject({ flags: 0 })
  })

  it('is still refused when nothing can be read', () => {
    const refusal = refusalOf({ headerId: 1, stateArray: [] }, lenient)
    expect(refusal).toMatchObject({ reason: 'schema', got: 'only headerId, stateArray' })
    expect(refusalOf(7, lenient)).toMatchObject({ expected: 'object', got: 'number' })
  })

  it('is lenient with the value true only', () => {
    expect(parse(state({ errors: undefined }), { settings: { lenient: 'yes' } }).elements).toEqual(
      [],
    )
  })
})

describe('the orientation', () => {
  it('keeps its direction and is brought within half a turn', () => {
    const anyTheta = fc.double({ min: -1e4, max: 1e4, noNaN: true })
    fc.assert(
      fc.property(anyTheta, (theta) => {
        const position = { x: 0, y: 0, theta, mapId: 'm', positionInitialized: true }
        const element = elementOf(state({ agvPosition: position }))
        const got = Number(element?.fields['thetaRad'])
        expect(Math.abs(got)).toBeLessThanOrEqual(Math.PI)
        expect(Math.cos(got)).toBeCloseTo(Math.cos(theta), 9)
        expect(Math.sin(got)).toBeCloseTo(Math.sin(theta), 9)
        expect(element?.flags).toBe(0)
        // `equals` rather than `is`, since JSON knows no negative zero.
        expect(got === theta).toBe(Math.abs(theta) <= Math.PI)
      }),
      propertyRuns(),
    )
  })
})

describe('any payload at all', () => {
  const topics = ['state', 'visualization', 'connection', 'order', 'vda5050', 'telemetry']
  const some = fc.record({
    topic: fc.constantFrom(...topics).map((last) => (last.length > 6 ? last : `u/v2/a/b/${last}`)),
    settings: fc.record({ lenient: fc.boolean(), timezone: fc.constantFrom('UTC', 'x', 1) }),
  })

  /** Names the format looks at, so that random values land where they are read. */
  const names = [...new Set(Object.values(RULES).flatMap((rules) => namesOf(rules)))]
  const damaged = fc
    .dictionary(fc.constantFrom(...names, 'version', 'load', 'timeStamp'), fc.jsonValue())
    .chain((parts) => fc.constantFrom(parts, state(parts)))

  it('becomes one reading, one refusal or an event, and never throws', () => {
    const text = fc.oneof(
      fc.json(),
      fc.string(),
      damaged.map((given) => JSON.stringify(given)),
    )
    const payload = fc.oneof(fc.uint8Array({ maxLength: 300 }), text.map(bytes))
    fc.assert(
      fc.property(payload, some, (given, from) => {
        const { elements, refused } = parse(given, from)
        const [atLeast, atMost] = outcomesOf(from.topic, given)
        expect(elements.length + refused.length).toBeGreaterThanOrEqual(atLeast)
        expect(elements.length + refused.length).toBeLessThanOrEqual(atMost)
        expect(elements.length === 0 || !isEvent(from.topic)).toBe(true)
        for (const { got, expected, path } of refused) {
          expect((got + expected + path).length).toBeLessThan(700)
        }
      }),
      propertyRuns(3000),
    )
  })

  const isEvent = (topic: string) => /connection$|order$/.test(topic)

  /** Only a native array on a native channel has more than one element. */
  function outcomesOf(topic: string, { length }: Uint8Array): readonly [number, number] {
    if (topic.endsWith('state')) return [1, 1]
    // A header alone is an event.
    if (topic.endsWith('visualization')) return [0, 1]
    return [0, topic === 'telemetry' ? Math.max(1, length) : 1]
  }

  function namesOf(rules: (typeof RULES)['state']): string[] {
    return [...rules[2], ...rules[3]].flatMap((part) => [
      ...(part.name === '' ? [] : [part.name]),
      ...part.rules.map(({ name }) => name),
    ])
  }
})

describe('the table of fields', () => {
  it('fills only fields of kind robot, with values of their type', () => {
    const parts = Object.values(RULES).flatMap((rules) => [...rules[2], ...rules[3]])
    const filled = parts.flatMap(({ rules }) => rules).filter(({ to }) => to !== null)
    expect(filled.length).toBeGreaterThan(50)
    for (const { to, type } of filled)
      expect(KINDS.robot.fields[to ?? '']?.type, to ?? '').toBe(type)
  })
})
