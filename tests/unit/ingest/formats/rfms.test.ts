import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { rfms } from '../../../../ingest/formats/rfms.ts'
import { CARGO, GNSS, SNAPSHOT, STATUS } from '../../../../ingest/formats/rfms/fields.ts'
import { formatInput } from '../../../support/format-input.ts'

function parse(message: unknown, settings: Device['settings'] = {}) {
  const payload = new TextEncoder().encode(JSON.stringify(message))
  return rfms.parse(formatInput(payload, 'truck', 'rfms/acme', settings))
}

const AT = '2025-11-24T16:00:00Z'
const AT_NS = 1_764_000_000_000_000_000n

const status = (parts: Record<string, unknown> = {}) => ({
  vin: 'WDB96340310123456',
  createdDateTime: AT,
  hrTotalVehicleDistance: 401_293_630,
  ...parts,
})

const fix = (parts: Record<string, unknown> = {}) => ({
  latitude: 54.8253,
  longitude: 9.3577,
  positionDateTime: AT,
  ...parts,
})

function elementOf(message: unknown, settings?: Device['settings']) {
  const { elements, refused } = parse(message, settings)
  expect(refused).toEqual([])
  expect(elements).toHaveLength(1)
  return elements[0]
}

describe('the shapes of a response', () => {
  const one = status()

  it.each([
    [{ vehicleStatusResponse: { vehicleStatuses: [one] } }, 0],
    [{ VehicleStatusResponse: { VehicleStatuses: [one] } }, 0],
    [{ VehicleStatus: [one] }, 0],
    [{ vehicleStatus: [one] }, 0],
    [{ vehicleStatuses: [one] }, 0],
    [[one], 0],
    [one, -1],
  ])('%j holds one status', (message, elementIndex) => {
    expect(elementOf(message)).toMatchObject({ elementIndex, timeNs: AT_NS, seq: null })
  })

  it('do not change the identity of a status', () => {
    const hashes = [one, [one], { vehicleStatus: [{ ...status({ vin: 'x' }) }, one] }].map(
      (message) => parse(message, { vin: one.vin }).elements.map(({ hash }) => hash),
    )
    expect(hashes[0]).toEqual(hashes[1])
    expect(hashes[0]).toEqual(hashes[2])
  })

  it('give the whole path of each fault', () => {
    const { elements, refused } = parse(
      { vehicleStatus: [one, 7, status({ snapshotData: 1 })] },
      {},
    )
    expect(elements).toEqual([])
    // 7 has no VIN: nobody can say whose the three are.
    expect(refused).toMatchObject([
      { elementIndex: -1, reason: 'unknown_device', path: 'vehicleStatus' },
    ])
    const same = parse([one, status({ snapshotData: 1 })])
    expect(same.elements).toHaveLength(1)
    expect(same.refused).toMatchObject([
      { elementIndex: 1, path: '[1].snapshotData', got: 'number' },
    ])
  })

  it('keep the names in the path as they were sent', () => {
    const snapshot = { FuelLevel1: 'half' }
    const message = { VehicleStatus: [{ CreatedDateTime: AT, SnapshotData: snapshot }] }
    const path = 'VehicleStatus[0].SnapshotData.FuelLevel1'
    expect(parse(message).refused).toMatchObject([{ path, expected: 'number', got: '"half"' }])
  })

  it('may be empty, or a list of the fleet', () => {
    for (const message of [[], { vehicleStatus: [] }, { Vehicle: [] }]) {
      expect(parse(message)).toEqual({ elements: [], refused: [] })
    }
  })
})

describe('the time', () => {
  it('is that of a status, or the fix of a position alone', () => {
    const positionDateTime = '2025-11-24T15:59:30Z'
    const gnssPosition = fix({ positionDateTime })
    const whole = elementOf(status({ snapshotData: { gnssPosition } }))
    expect(whole).toMatchObject({ timeNs: AT_NS, fields: { lat: 54.8253 } })
    const alone = elementOf({ vin: 'V', createdDateTime: AT, gnssPosition })
    expect(alone?.timeNs).toBe(AT_NS - 30_000_000_000n)
  })

  it.each([
    ['2025-11-24T15:59:00Z', true],
    ['2025-11-24T15:58:59Z', false],
    ['2025-11-24T16:01:01Z', false],
    ['', true],
  ])('of a fix at %j keeps the position beside a status of 16:00: %s', (at, isKept) => {
    const gnssPosition = fix({ positionDateTime: at })
    const { fields } = elementOf(status({ snapshotData: { gnssPosition } })) ?? {}
    expect(fields?.['lat'] !== undefined).toBe(isKept)
    expect(fields?.['odometerM']).toBe(401_293_630)
  })

  it('that cannot be read is refused with its path, also of a fix', () => {
    const gnssPosition = fix({ positionDateTime: 'noon' })
    const refused = [{ path: 'snapshotData.gnssPosition.positionDateTime', got: '"noon"' }]
    expect(parse(status({ snapshotData: { gnssPosition } }))).toMatchObject({ refused })
    const broken = parse(status({ createdDateTime: '2025-02-30T00:00:00Z' }))
    expect(broken.refused).toMatchObject([{ path: 'createdDateTime' }])
  })

  it('without a zone is unknown, unless the settings name the zone', () => {
    const given = status({ createdDateTime: '2025-11-24T17:00:00' })
    expect(elementOf(given)).toMatchObject({ timeNs: null, flags: FLAGS.clock_invalid })
    const settings = { timezone: 'Europe/Copenhagen' }
    expect(elementOf(given, settings)).toMatchObject({ timeNs: AT_NS, flags: 0 })
  })

  it('left out is that of the fix, or for a lenient device the receive time', () => {
    const given = status({ createdDateTime: undefined })
    const gnssPosition = fix()
    expect(elementOf({ ...given, snapshotData: { gnssPosition } })?.timeNs).toBe(AT_NS)
    expect(parse(given).refused).toMatchObject([{ path: 'createdDateTime', got: 'nothing' }])
    expect(elementOf(given, { lenient: true })?.timeNs).toBeNull()
  })
})

describe('many vehicles in one message', () => {
  const fleet = { vehicleStatus: [status(), status({ vin: 'B' }), status({ vin: undefined })] }

  it('are refused one by one except that of the setting', () => {
    const { elements, refused } = parse(fleet, { vin: ' b ' })
    expect(elements).toMatchObject([{ elementIndex: 1 }])
    expect(refused).toMatchObject([
      {
        elementIndex: 0,
        reason: 'unknown_device',
        path: 'vehicleStatus[0].vin',
        got: 'another VIN',
      },
      { elementIndex: 2, reason: 'unknown_device', path: 'vehicleStatus[2].vin', got: 'no VIN' },
    ])
  })

  it('are distinguished by their VIN in any case and with spaces around it', () => {
    const message = [status({ vin: ' wdb96340310123456 ' }), status()]
    expect(parse(message).elements).toHaveLength(2)
    expect(parse(message, { vin: 'WDB96340310123456' }).elements).toHaveLength(2)
  })

  it('are refused together without a setting, and no VIN is shown', () => {
    const { elements, refused } = parse(fleet)
    expect(elements).toEqual([])
    expect(refused).toMatchObject([
      { elementIndex: -1, reason: 'unknown_device', got: '3 vehicles' },
    ])
  })

  it('of one VIN are one truck', () => {
    const message = [status(), status({ createdDateTime: '2025-11-24T16:01:00Z' })]
    expect(parse(message).elements.map(({ elementIndex }) => elementIndex)).toEqual([0, 1])
  })
})

describe('the values', () => {
  const snapshot = (parts: object) => elementOf(status({ snapshotData: parts }))?.fields ?? {}

  it('prefer the speed of the wheels, then the tachograph, then the receiver', () => {
    const gnssPosition = fix({ speed: 1 })
    expect(snapshot({ gnssPosition })['speedKmh']).toBe(1)
    expect(snapshot({ gnssPosition, tachographSpeed: 2 })['speedKmh']).toBe(2)
    const all = { gnssPosition, tachographSpeed: 2, wheelBasedSpeed: 3 }
    expect(snapshot(all)['speedKmh']).toBe(3)
    expect(snapshot({ ...all, wheelBasedSpeed: 255.5 })['speedKmh']).toBe(2)
  })

  it('of a receiver without a fix are dropped, speed and heading included', () => {
    const gnssPosition = fix({ latitude: 0, longitude: 0, heading: 0, altitude: 0, speed: 0 })
    expect(snapshot({ gnssPosition })).toEqual({ odometerM: 401_293_630 })
  })

  it.each(['IGNITION_ON', 'IGNITION_OFF', 'TIMER'])(
    'give the ignition from the trigger %s',
    (on) => {
      const { fields } = elementOf(status({ triggerType: { triggerType: on } })) ?? {}
      expect(fields?.['triggerType']).toBe(on)
      expect(fields?.['ignition']).toBe(on === 'TIMER' ? undefined : on === 'IGNITION_ON')
    },
  )

  it('keep a weight out of range, flagged, and drop one that means "no value"', () => {
    const heavy = elementOf(status({ grossCombinationVehicleWeight: 250_000 }))
    expect(heavy).toMatchObject({ flags: FLAGS.out_of_range, fields: { gcwKg: 250_000 } })
    const none = elementOf(status({ grossCombinationVehicleWeight: 650_240 }))
    expect(none?.fields['gcwKg']).toBeUndefined()
  })

  it('fill only fields of kind truck, with values of their type', () => {
    for (const { to, type } of [...STATUS, ...SNAPSHOT, ...GNSS, ...CARGO]) {
      expect(KINDS.truck.fields[to]?.type, to).toBe(type)
    }
  })
})
