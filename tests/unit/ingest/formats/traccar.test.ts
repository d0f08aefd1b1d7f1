import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import { traccar } from '../../../../ingest/formats/traccar.ts'
import { ATTRIBUTES, POSITION } from '../../../../ingest/formats/traccar/fields.ts'
import { formatInput } from '../../../support/format-input.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const FIX = '2025-11-24T16:00:00.000+00:00'
const LATER = '2025-11-24T16:05:00.000+00:00'

function parse(message: unknown, settings: Device['settings'] = {}) {
  const payload = new TextEncoder().encode(JSON.stringify(message))
  return traccar.parse(formatInput(payload, 'truck', 'traccar/positions', settings))
}

const forwarded = (parts: Record<string, unknown> = {}, attributes: object | null = {}) => ({
  position: {
    fixTime: FIX,
    deviceTime: LATER,
    valid: true,
    outdated: false,
    latitude: 54.8253,
    longitude: 9.3577,
    altitude: 0,
    speed: 0,
    course: 0,
    attributes,
    ...parts,
  },
  device: { id: 4, uniqueId: '352093081452251' },
})

function elementOf(message: unknown, settings?: Device['settings']) {
  const { elements, refused } = parse(message, settings)
  expect(refused).toEqual([])
  return elements[0]
}

const ns = (text: string) => Temporal.Instant.from(text).epochNanoseconds

describe('a position', () => {
  it('has its speed in knots', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 70_000 }), (thousandths) => {
        const speed = thousandths / 1000
        const kmh = Number(elementOf(forwarded({ speed }))?.fields['speedKmh'])
        expect(kmh).toBeCloseTo((thousandths * 1852) / 1_000_000, 9)
      }),
      propertyRuns(),
    )
  })

  it.each([
    [{}, FIX, true],
    [{ fixTime: null }, LATER, true],
    [{ valid: false }, LATER, false],
    [{ outdated: true }, LATER, false],
    [{ valid: false, deviceTime: undefined }, FIX, false],
    [{ valid: undefined, outdated: undefined }, FIX, true],
  ])('of %j has the time %s, with a fix: %s', (parts, time, hasFix) => {
    const element = elementOf(forwarded(parts, { ignition: true }))
    expect(element?.timeNs).toBe(ns(time))
    expect(element?.fields['lat'] !== undefined).toBe(hasFix)
    expect(element?.fields['speedKmh'] !== undefined).toBe(hasFix)
    expect(element?.fields['ignition']).toBe(true)
  })

  it('may have no attributes', () => {
    expect(elementOf(forwarded({}, null))?.fields['lat']).toBe(54.8253)
  })

  it('without a fix and without any other value is refused', () => {
    expect(parse(forwarded({ valid: false })).refused).toMatchObject([
      { path: 'position', expected: 'at least one value of truck' },
    ])
  })

  it('without a time has the receive time when the device is lenient', () => {
    const given = forwarded({ fixTime: undefined, deviceTime: undefined })
    expect(elementOf(given, { lenient: true })?.timeNs).toBeNull()
  })
})

describe('the attributes', () => {
  it('have hours in ms, and never the distance summed by the server as odometer', () => {
    const { fields } = elementOf(forwarded({}, { hours: 5_400_000, totalDistance: 9 })) ?? {}
    expect(fields).toMatchObject({ engineHoursH: 1.5 })
    expect(fields?.['odometerM']).toBeUndefined()
  })

  it('are read by the setting before the names of Traccar', () => {
    const settings = { attributes: { totalDistance: { to: 'odometerM' } } }
    const given = forwarded({}, { odometer: 1, totalDistance: 2 })
    expect(elementOf(given, settings)?.fields['odometerM']).toBe(2)
  })

  it('fill only fields of kind truck, with values of their type', () => {
    for (const { to, type } of [...POSITION, ...ATTRIBUTES]) {
      expect(KINDS.truck.fields[to]?.type, to).toBe(type)
    }
  })
})

describe('the setting uniqueId', () => {
  it('refuses the other vehicles of the server', () => {
    const other = parse(forwarded(), { uniqueId: '86' })
    expect(other.elements).toEqual([])
    expect(other.refused).toMatchObject([{ reason: 'unknown_device', path: 'device.uniqueId' }])
    expect(parse({ position: {} }, { uniqueId: '86' }).refused).toMatchObject([{ got: 'nothing' }])
    expect(elementOf(forwarded(), { uniqueId: '352093081452251' })).toBeDefined()
  })
})

describe('the cell', () => {
  const radioOf = (tower: unknown) =>
    elementOf(forwarded({ network: { cellTowers: [tower] } }))?.radio

  it.each([
    [
      { radioType: 'lte', cellId: 255 },
      { rat: 'lte', cellId: 'FF' },
    ],
    [
      { radioType: 'gsm', cellId: 255, mobileCountryCode: 262, mobileNetworkCode: 3 },
      { operator: '262-03' },
    ],
    [
      { radioType: 'lte', mobileCountryCode: 310, mobileNetworkCode: 26 },
      { rat: 'lte', operator: '310-026' },
    ],
    [{ radioType: 'gsm', cellId: 255, mobileCountryCode: 0, mobileNetworkCode: 0 }, null],
    [7, null],
  ])('of %j is %j', (tower, radio) => expect(radioOf(tower)).toEqual(radio))
})
