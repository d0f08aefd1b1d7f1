import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { ParsedElement, FormatOutput } from '../../../../ingest/formats/format.ts'
import { formatNamed } from '../../../../ingest/formats/catalogue.ts'
import { casesOf } from '../../../support/format-cases.ts'
import { formatInput } from '../../../support/format-input.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

/**
 * What all truck conventions promise, on every case of theirs and on damaged ones: bytes are
 * flipped, cut and doubled, and values of the JSON are replaced by others of any type.
 */
const JSON_FORMATS = ['teltonika', 'owntracks', 'traccar', 'rfms', 'cam'] as const
const FORMATS = [...JSON_FORMATS, 'teltonika-codec8'] as const
const WILD = join(import.meta.dirname, '../../../../../shared/cases')

interface From {
  readonly device?: Device['kind']
  readonly channel?: string
  readonly settings?: Device['settings']
}

function parse(format: string, payload: Uint8Array, from: From = {}) {
  const { device, channel, settings } = from
  const output = formatNamed(format)?.parse(formatInput(payload, device, channel, settings))
  if (!output) throw new Error(`no format ${format}`)
  return output
}

/** What is wrong with an output; plain code, since it runs for many thousands of them. */
function faultsOf({ elements, refused }: FormatOutput): readonly string[] {
  const faults = elements.flatMap(elementFaults)
  for (const { path, expected, got } of refused) {
    if (expected === '' || got === '') faults.push(`says nothing of ${path}`)
    if ((path + expected + got).length > LONGEST_REFUSAL) faults.push(`is long: ${path}`)
  }
  return faults
}

const LONGEST_REFUSAL = 700

function elementFaults({ kind, fields, elementIndex, flags }: ParsedElement): string[] {
  const faults = kind === 'truck' ? [] : [`is of kind ${kind}`]
  if (Object.keys(fields).length === 0) faults.push('has no fields')
  if ((fields['lat'] === undefined) !== (fields['lon'] === undefined)) faults.push('is half placed')
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value !== KINDS.truck.fields[name]?.type) faults.push(`${name} is a ${typeof value}`)
    if (typeof value === 'number' && !Number.isFinite(value)) faults.push(`${name} is ${value}`)
  }
  if (!Number.isInteger(elementIndex) || !Number.isInteger(flags))
    faults.push('has no elementIndex or flags')
  return faults
}

describe.each(FORMATS)('%s', (format) => {
  const cases = casesOf(format)

  it('validates every damaged message, and never throws', () => {
    const damagedCase = fc
      .record({ at: fc.nat(), damage: fc.array(damage(), { minLength: 1, maxLength: 3 }) })
      .map(({ at, damage: steps }) => {
        const { payload, expected } = cases[at % cases.length] ?? NO_CASE
        return { payload: steps.reduce((bytes, step) => step(bytes), payload), expected }
      })
    fc.assert(
      fc.property(damagedCase, ({ payload, expected }) => {
        expect(faultsOf(parse(format, payload, expected))).toEqual([])
      }),
      propertyRuns(2000),
    )
  })

  it('never throws on any bytes, JSON or settings', () => {
    const json = fc.oneof(
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify([value])),
    )
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      json.map((text) => Buffer.from(text)),
    )
    const setting = fc.oneof(fc.jsonValue(), fc.constant({ '72': { to: 'fuelPct', per: 1e-300 } }))
    const settings = fc.record(
      { avl: setting, attributes: setting, vin: setting, uniqueId: setting, timezone: setting },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(payload, settings, (given, some) => {
        const output = parse(format, given, { settings: some, channel: `${format}/x` })
        expect(faultsOf(output)).toEqual([])
      }),
      propertyRuns(2000),
    )
  })

  it('makes a status an event, and reads a native payload as such', () => {
    const EVENT = { elements: [], refused: [] }
    expect(parse(format, Buffer.from('online'), { channel: 'status' })).toEqual(EVENT)
    const radio = Buffer.from('{"v":1,"kind":"radio","radio":{"rsrpDbm":-90}}')
    expect(parse(format, radio).elements).toMatchObject([
      { kind: 'radio', fields: { rsrpDbm: -90 } },
    ])
  })
})

describe.each(JSON_FORMATS)('the JSON of %s', (format) => {
  it('is refused for a duplicate name, which JSON.parse hides', () => {
    const payload = Buffer.from('{"a":{"b":1,"b":2}}')
    const refused = [{ reason: 'malformed', path: 'a.b', got: 'the same name twice' }]
    expect(parse(format, payload)).toMatchObject({ elements: [], refused })
  })
})

const NO_CASE = { payload: Buffer.of(), expected: {} }

type Damage = (bytes: Buffer) => Buffer

function damage(): fc.Arbitrary<Damage> {
  const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
  const at = (bytes: Buffer, where: number) => Math.floor(where * bytes.length)
  const other = fc.oneof(fc.jsonValue(), fc.double(), fc.constantFrom(-1, 1e308, '0,0', '', 65535))
  return fc.oneof(
    fc.tuple(place, fc.nat(255)).map(([where, byte]) => (bytes: Buffer) => {
      const copy = Buffer.from(bytes)
      if (copy.length > 0) copy[at(copy, where)] = byte
      return copy
    }),
    place.map((where) => (bytes: Buffer) => bytes.subarray(0, at(bytes, where))),
    place.map(
      (where) => (bytes: Buffer) =>
        Buffer.concat([bytes.subarray(0, at(bytes, where)), bytes.subarray(at(bytes, where / 2))]),
    ),
    fc.tuple(fc.nat(), other).map(([which, value]) => (bytes: Buffer) => {
      return replaceValue(bytes, which, value)
    }),
    fc.tuple(fc.nat(), other).map(([which, value]) => (bytes: Buffer) => {
      return replaceValue(bytes, which, value)
    }),
  )
}

/** The JSON with one of its values, at any depth, replaced; undamaged where it is no JSON. */
function replaceValue(bytes: Buffer, which: number, value: unknown): Buffer {
  try {
    let count = 0
    JSON.parse(bytes.toString('utf8'), (_name, inner) => {
      count += 1
      return inner
    })
    let seen = 0
    const changed = JSON.parse(bytes.toString('utf8'), (_name, inner) => {
      seen += 1
      return seen - 1 === which % count ? value : inner
    })
    return Buffer.from(JSON.stringify(changed) ?? '')
  } catch (error) {
    if (error instanceof SyntaxError) return bytes
    throw error
  }
}

describe('personal data', () => {
  /** What the cases hold: VINs, card numbers of drivers, a phone number, names of networks. */
  const PERSONAL =
    /WDB96340310123456|YV2RT40A5KB876543|WDB0000|0000001234567|\+4500|depot-guest|5e:10|8945020/i

  it.each(['teltonika', 'owntracks', 'traccar', 'rfms'])(
    'is in no reading and no refusal of %s',
    (format) => {
      const held = casesOf(format).filter(({ payload }) => PERSONAL.test(payload.toString('utf8')))
      expect(held).not.toEqual([])
      for (const { payload, expected } of held) {
        const { elements, refused } = parse(format, payload, expected)
        const shown = JSON.stringify({ refused, fields: elements.map(({ fields }) => fields) })
        expect(shown).not.toMatch(PERSONAL)
      }
    },
  )
})

describe.skipIf(!existsSync(WILD))('trucks seen in the wild (../shared/cases)', () => {
  interface Row {
    readonly topic: string
    readonly payload: Readonly<Record<string, unknown>>
  }
  const text = existsSync(WILD) ? readFileSync(join(WILD, 'owntracks.jsonl'), 'utf8').trim() : ''
  const rows: readonly Row[] = text === '' ? [] : text.split('\n').map((line) => JSON.parse(line))

  const isLocation = ({ payload }: Row) => payload['_type'] === 'location'
  const parseRow = ({ topic, payload }: Row) =>
    parse('owntracks', Buffer.from(JSON.stringify(payload)), { channel: topic })

  it.each(rows.filter(isLocation))('$topic is a reading of its position', (row) => {
    const { lat, lon, batt, tst } = row.payload
    const timeNs = BigInt(Number(tst)) * 1_000_000_000n
    const fields = { lat, lon, batteryPct: batt }
    expect(parseRow(row)).toMatchObject({ elements: [{ timeNs, flags: 0, fields }], refused: [] })
  })

  it.each(rows.filter((row) => !isLocation(row)))('$topic is an event', (row) => {
    expect(parseRow(row)).toEqual({ elements: [], refused: [] })
  })

  it('a status of a Volvo server has its cargo and not its driver', () => {
    const payload = readFileSync(join(WILD, 'volvo_rfms_v2_status_excerpt.json'))
    const { elements, refused } = parse('rfms', payload)
    expect(refused).toEqual([])
    expect(elements).toMatchObject([
      {
        elementIndex: 0,
        timeNs: 1_558_511_082_800_000_000n,
        flags: 0,
        fields: {
          lat: 57.71727,
          lon: 11.921161,
          speedKmh: 54.3,
          odometerM: 95_055,
          gcwKg: 23_456,
          fuelUsedL: 7890.123,
          cargoTemp1C: 3,
          cargoDoorOpen: true,
          ignition: true,
        },
      },
    ])
    expect(JSON.stringify(elements[0]?.fields)).not.toMatch(/ABC|12345678901234/)
  })
})
