import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { cam } from '../../../../ingest/formats/cam.ts'
import { formatInput } from '../../../support/format-input.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const UUID = 'com_truck_42'

function parse(message: unknown, channel = `5GCroCo/outQueue/v2x/cam/${UUID}/1/2`) {
  return cam.parse(formatInput(new TextEncoder().encode(JSON.stringify(message)), 'truck', channel))
}

interface Raw {
  readonly latitude: number
  readonly longitude: number
  readonly altitude: number
  readonly heading: number
  readonly speed: number
}

const RAW: Raw = { latitude: 1, longitude: 2, altitude: 3, heading: 4, speed: 5 }

const envelope = (message: unknown, parts: object = {}) => ({
  type: 'cam',
  source_uuid: UUID,
  timestamp: 1_764_000_000_123,
  message,
  ...parts,
})

const flat = ({ latitude, longitude, altitude, heading, speed }: Raw) =>
  envelope({
    basic_container: { station_type: 8, reference_position: { latitude, longitude, altitude } },
    high_frequency_container: { heading, speed },
  })

const one = (value: number) => ({ value, confidence: 1 })

const nested = ({ latitude, longitude, altitude, heading, speed }: Raw) => {
  const { type: _, ...rest } = envelope({
    basic_container: {
      station_type: 8,
      reference_position: { latitude, longitude, altitude: one(altitude) },
    },
    high_frequency_container: {
      basic_vehicle_container_high_frequency: { heading: one(heading), speed: one(speed) },
    },
  })
  return { ...rest, message_type: 'cam', message_format: 'json/raw' }
}

describe('a message', () => {
  const raw = fc.record({
    latitude: fc.integer({ min: -900_000_000, max: 900_000_000 }),
    longitude: fc.integer({ min: -1_800_000_000, max: 1_800_000_000 }),
    altitude: fc.integer({ min: -50_000, max: 799_999 }),
    heading: fc.integer({ min: 0, max: 3601 }),
    speed: fc.integer({ min: 0, max: 16_383 }),
  })

  it('has the same values in 1.1 and in 2.x, in the steps of TS 102 894-2', () => {
    fc.assert(
      fc.property(raw, (given) => {
        const { latitude, longitude, altitude, heading, speed } = given
        const [old] = parse(flat(given)).elements
        const [young] = parse(nested(given)).elements
        expect(young?.fields).toEqual(old?.fields)
        const { lat, lon, altM, headingDeg, speedKmh } = old?.fields ?? {}
        expect(headingDeg).toBe(heading === 3601 ? undefined : Number(`${heading}e-1`))
        expect(speedKmh).toBe(speed === 16_383 ? undefined : Number(`${speed * 36}e-3`))
        expect(altM).toBe(Number(`${altitude}e-2`))
        const isNowhere = latitude === 0 && longitude === 0
        expect(lat).toBe(isNowhere ? undefined : Number(`${latitude}e-7`))
        expect(lon).toBe(isNowhere ? undefined : Number(`${longitude}e-7`))
      }),
      propertyRuns(),
    )
  })

  it('has the time of its timestamp, in ms', () => {
    expect(parse(flat(RAW)).elements).toMatchObject([{ timeNs: 1_764_000_000_123_000_000n }])
  })

  it('of a sender other than that of its topic is flagged', () => {
    const other = { ...flat(RAW), source_uuid: 'com_truck_43' }
    expect(parse(other).elements).toMatchObject([{ flags: FLAGS.identity_mismatch }])
    expect(parse(other, 'cam').elements).toMatchObject([{ flags: 0 }])
    expect(parse(other, 'vehicles/42').elements).toMatchObject([{ flags: 0 }])
  })
})

describe('a message that is not of a vehicle', () => {
  it.each(['denm', 'cpm', 'status', 'spatem'])('%s is an event', (type) => {
    expect(parse({ type })).toEqual({ elements: [], refused: [] })
    expect(parse({ message_type: type })).toEqual({ elements: [], refused: [] })
  })

  it.each([
    ['type', {}],
    ['message_type', { message_type: 7 }],
    ['message', { type: 'cam' }],
    ['message_format', { type: 'cam', message_format: 'asn1/uper', message: {} }],
    ['message.basic_container', envelope({})],
    ['message.basic_container.reference_position', envelope({ basic_container: {} })],
  ])('is refused by %s', (path, message) => {
    expect(parse(message)).toMatchObject({ elements: [], refused: [{ path }] })
  })
})
