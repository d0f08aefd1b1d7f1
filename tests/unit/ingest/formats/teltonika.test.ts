import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import { plausibleTime } from '#lib/telemetry/time.ts'
import { signedOf } from '../../../../ingest/formats/payload/number-text.ts'
import { teltonika } from '../../../../ingest/formats/teltonika.ts'
import { KNOWN_IDS, RECORD_FIELDS } from '../../../../ingest/formats/teltonika/avl-fields.ts'
import { formatInput } from '../../../support/format-input.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

function parse(reported: unknown, settings: Device['settings'] = {}) {
  const payload = bytes({ state: { reported } })
  return teltonika.parse(formatInput(payload, 'truck', '352093081452251/data', settings))
}

/** A record with some parts replaced; undefined takes a part away. */
const record = (parts: Record<string, unknown> = {}) => ({
  ts: 1_764_000_000_123,
  latlng: '54.825300,9.357700',
  sat: '9',
  sp: '62',
  ...parts,
})

function elementOf(reported: unknown, settings?: Device['settings']) {
  const { elements, refused } = parse(reported, settings)
  expect(refused).toEqual([])
  return elements[0]
}

const refusalOf = (reported: unknown, settings?: Device['settings']) =>
  parse(reported, settings).refused[0]

describe('a record', () => {
  it('has its own time and the hash of its bytes, and no sequence', () => {
    const expected = { seq: null, elementIndex: -1, timeNs: 1_764_000_000_123_000_000n }
    const hash = hashBytes(bytes({ state: { reported: record() } }))
    expect(elementOf(record())).toMatchObject({ ...expected, hash })
  })

  it('of an unset clock keeps its year', () => {
    const { timeNs } = elementOf(record({ ts: 1_072_915_236_000 })) ?? {}
    expect(timeNs).toBe(1_072_915_236_000_000_000n)
    expect(plausibleTime(timeNs ?? 0n, 1_764_000_000_000_000_000n)).toBe(false)
  })

  it('without a time is refused, unless the device is lenient', () => {
    expect(refusalOf(record({ ts: undefined }))).toMatchObject({ path: 'state.reported.ts' })
    expect(elementOf(record({ ts: null }), { lenient: true })?.timeNs).toBeNull()
    expect(refusalOf(record({ ts: 'x' }), { lenient: true })?.got).toBe('"x"')
  })

  it('reads a decimal number as text or as a number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 13_000 }), fc.boolean(), (tenths, isText) => {
        const speed = tenths / 100
        const { fields } = elementOf(record({ sp: isText ? ` ${speed}` : speed })) ?? {}
        expect(fields?.['speedKmh']).toBe(speed)
      }),
      propertyRuns(),
    )
  })

  it.each(['', '1e3', '0x10', '1,5', 'NaN', '--1', '1'.repeat(60)])('has no number %j', (sp) => {
    expect(refusalOf(record({ sp }))).toMatchObject({ path: 'state.reported.sp' })
  })

  it('takes AVL 24 as the speed where it has none itself', () => {
    expect(elementOf(record({ '24': 50 }))?.fields['speedKmh']).toBe(62)
    expect(elementOf(record({ '24': 50, sp: undefined }))?.fields['speedKmh']).toBe(50)
  })

  it('without satellites has no position', () => {
    const given = { alt: '12', ang: '45', '182': '8', '16': 7 }
    expect(elementOf(record({ ...given, sat: '0' }))?.fields).toEqual({
      satellites: 0,
      odometerM: 7,
    })
    expect(elementOf(record({ ...given, latlng: '0,0' }))?.fields).toEqual({
      satellites: 9,
      odometerM: 7,
    })
    expect(elementOf(record({ sat: undefined }))?.fields['lat']).toBe(54.8253)
  })
})

describe('the setting avl', () => {
  const map = (rule: unknown) => ({ avl: { '72': rule } })

  it('gives an id a field, a unit and a sign', () => {
    const rule = { to: 'cargoTemp1C', per: 10, signedBits: 16 }
    expect(elementOf(record({ '72': 65_350 }), map(rule))?.fields['cargoTemp1C']).toBe(-18.6)
    for (const code of [850, 2000, 3000, 4000, 5000]) {
      expect(elementOf(record({ '72': code }), map(rule))?.fields['cargoTemp1C']).toBeUndefined()
    }
  })

  it('wins over a known id', () => {
    const settings = { avl: { '87': { to: 'odometerM' } } }
    expect(elementOf(record({ '16': 1, '87': 2 }), settings)?.fields['odometerM']).toBe(2)
  })

  it.each([
    ['settings.avl', { avl: 'x' }],
    ['settings.avl', { avl: [] }],
    ['settings.avl.x1', { avl: { x1: { to: 'fuelPct' } } }],
    ['settings.avl.72.to', map('fuelPct')],
    ['settings.avl.72.to', map({ to: 'driverState' })],
    ['settings.avl.72.to', map({ to: '__proto__' })],
    ['settings.avl.72.per', map({ to: 'fuelPct', per: 0 })],
    ['settings.avl.72.times', map({ to: 'fuelPct', times: '2' })],
    ['settings.avl.72.signedBits', map({ to: 'fuelPct', signedBits: 12 })],
  ])('is refused with the path %s where it is wrong', (path, settings) => {
    expect(refusalOf(record(), settings)).toMatchObject({ reason: 'schema', path })
  })

  it('reads signed numbers as typed arrays do', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65_535 }), (raw) => {
        expect(signedOf(raw, 16)).toBe(new Int16Array([raw])[0])
        expect(signedOf(raw + 4_294_900_000, 32)).toBe(new Int32Array([raw + 4_294_900_000])[0])
      }),
      propertyRuns(),
    )
    expect(signedOf(-18.6, 16)).toBe(-18.6)
    expect(signedOf(64_574, 16)).toBe(-962)
  })
})

describe('the radio part', () => {
  const radioOf = (parts: Record<string, unknown>) => elementOf(record(parts))?.radio

  it.each([
    [{ '241': 23_801 }, { operator: '238-01' }],
    [{ '241': '310410' }, { operator: '310-410' }],
    [{ '241': 0 }, null],
    [{ '241': 999 }, null],
    [{ '237': 2 }, { rat: 'lte' }],
    [
      { '237': '3', '636': '255' },
      { rat: 'lte', cellId: 'FF' },
    ],
    [{ '237': 2, '636': 4_294_967_295 }, { rat: 'lte' }],
    [{ '237': 0, '636': 255 }, null],
    [{ '21': 5 }, null],
  ])('of %j is %j', (parts, radio) => expect(radioOf(parts)).toEqual(radio))
})

describe('the tables', () => {
  it('fill only fields of kind truck, with values of their type', () => {
    for (const { to, type } of [...KNOWN_IDS, ...RECORD_FIELDS]) {
      expect(KINDS.truck.fields[to]?.type, to).toBe(type)
    }
  })
})
