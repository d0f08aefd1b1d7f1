import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import type { Device } from '#lib/registry/registry.ts'
import { wmbusmeters } from '../../../../ingest/formats/wmbusmeters.ts'
import { EXPORTED_POWER, METERS } from '../../../../ingest/formats/wmbusmeters/names.ts'
import { isMbusNoValue } from '../../../../ingest/formats/meters/mbus-no-value.ts'
import { formatInput } from '../../../support/format-input.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

interface From {
  readonly topic?: string
  readonly kind?: Device['kind']
  readonly settings?: Device['settings']
}

function parse(payload: unknown, from: From = {}) {
  const { topic = 'wmbusmeters/heat1', kind = 'heat_meter', settings = {} } = from
  const raw = payload instanceof Uint8Array ? payload : bytes(JSON.stringify(payload))
  const input = formatInput(raw, kind, topic)
  return wmbusmeters.parse({ ...input, device: { ...input.device, settings } })
}

/** A telegram that says who and when, and the values given. */
const telegram = (values: Record<string, unknown> = { total_energy_consumption_kwh: 1 }) => ({
  media: 'heat',
  id: '40501234',
  timestamp: '2025-11-24T16:00:00Z',
  ...values,
})

const withEnergy = (parts: Record<string, unknown>) => telegram({ total_kwh: 1, ...parts })

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

/** Rows of the table in docs/domain.md 3.3, typed from it name by name. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  energyKwh: [
    'total_energy_consumption_kwh',
    'total_kwh',
    'total_heating_kwh',
    'total_heat_energy_kwh',
    'heat_kwh',
    'total_energy_kwh',
    'current_consumption_kwh',
  ],
  coolingEnergyKwh: [
    'total_cooling_kwh',
    'total_cooling_energy_kwh',
    'total_energy_cooling_kwh',
    'total_cooling_consumption_kwh',
  ],
  volumeM3: ['total_volume_m3', 'total_m3', 'volume_m3', 'total_water_m3', 'total_heating_m3'],
  volumeFlowM3h: ['volume_flow_m3h', 'flow_m3h', 'flow_water_m3h', 'current_volume_flow_m3h'],
  powerKw: ['power_kw', 'current_power_kw', 'current_power_consumption_kw'],
  tFlowC: ['t1_temperature_c', 'flow_temperature_c', 'flow_c', 'forward_c', 'supply_temperature_c'],
  tReturnC: ['t2_temperature_c', 'return_temperature_c', 'return_c'],
  e8M3c: ['forward_energy_m3c'],
  e9M3c: ['return_energy_m3c'],
}

describe('the names of a telegram', () => {
  const rows = Object.entries(SYNONYMS).flatMap(([to, names]) => names.map((name) => [name, to]))

  it.each(rows)('%s is %s', (name = '', to = '') => {
    const { status: _, ...fields } = elementOf(telegram({ [name]: 12.5 }))?.fields ?? {}
    expect(fields).toEqual({ [to]: 12.5, medium: 'heat', meterId: '40501234' })
  })

  it.each([
    'target_energy_consumption_kwh',
    'target_kwh',
    'prev_1_kwh',
    'consumption_at_set_date_kwh',
    'total_energy_consumption_at_date_kwh',
    'energy_delta_kwh',
    'max_power_kw',
    'min_flow_c',
    'total_energy_consumption_tariff_1_kwh',
    'rssi_dbm',
  ])('%s is not a current value', (name) => {
    expect(refusalOf(telegram({ [name]: 5 }))?.got).toBe(`no current value, only ${name}`)
    expect(elementOf(withEnergy({ [name]: 5 }))?.fields['energyKwh']).toBe(1)
  })

  it('take the first of two names for one value in the order of the table, without null', () => {
    const both = { total_kwh: 2, total_energy_consumption_kwh: 3 }
    expect(elementOf(telegram(both))?.fields['energyKwh']).toBe(3)
    const one = { total_energy_consumption_kwh: null, total_kwh: 2 }
    expect(elementOf(telegram(one))?.fields['energyKwh']).toBe(2)
  })

  it('fill only number fields of the kind', () => {
    for (const [kind, { targets }] of Object.entries(METERS)) {
      const { fields } = KINDS[kind as keyof typeof METERS]
      const filled = [...targets.values()].filter(({ to }) => to !== EXPORTED_POWER)
      for (const { to } of filled) expect(fields[to]?.type, to).toBe('number')
    }
  })
})

describe('the unit of an energy', () => {
  it.each([
    ['kwh', 7.25, 7.25],
    ['mwh', 1.5, 1500],
    ['gj', 3.6, 1000],
    ['mj', 36, 10],
    ['gcal', 2, 2326],
  ])('%s: %d is %d kWh', (unit, value, kwh) => {
    const element = elementOf(telegram({ [`total_energy_consumption_${unit}`]: value }))
    expect(element?.fields['energyKwh']).toBeCloseTo(kwh, 9)
  })

  it.each([
    ['total_energy_consumption_btu', '"btu"'],
    ['total_heating_therm', '"therm"'],
    ['total_cooling_energy_kj', '"kj"'],
    ['total_energy_consumption', 'no unit in the name'],
  ])('that is unknown refuses the telegram: %s', (name, got) => {
    const refusal = refusalOf(telegram({ [name]: 5, total_volume_m3: 3 }))
    expect(refusal).toMatchObject({ reason: 'unit_unknown', path: name, got })
    // Beside a unit we know it is only that value once more.
    expect(elementOf(withEnergy({ [name]: 5 }))?.fields['energyKwh']).toBe(1)
  })
})

describe('a telegram', () => {
  it('has the hash of its bytes and no sequence', () => {
    const payload = bytes(JSON.stringify(telegram()))
    expect(elementOf(payload)).toMatchObject({ seq: null, radio: null, hash: hashBytes(payload) })
  })

  it('of a cooling meter has cooling energy, whatever the name of its register', () => {
    for (const media of ['cooling load volume at inlet', 'Cooling load volume at outlet']) {
      for (const name of SYNONYMS['energyKwh'] ?? []) {
        const { fields } = elementOf(telegram({ media, [name]: 9 })) ?? {}
        expect(fields).toMatchObject({ coolingEnergyKwh: 9, medium: media.toLowerCase() })
        expect(fields).not.toHaveProperty('energyKwh')
      }
    }
  })

  it('of an unknown medium has the kind of its device', () => {
    for (const media of ['unknown', 'reserved', 'radio converter (meter side)', 'x', '', null, 7]) {
      expect(elementOf(withEnergy({ media }))?.fields).not.toHaveProperty('medium')
      expect(elementOf(withEnergy({ media }), { kind: 'energy_meter' })?.kind).toBe('energy_meter')
    }
  })

  it.each(['water', 'cold water', 'warm water', 'gas', 'heat cost allocation', 'electricity'])(
    'of medium %s is no heat meter',
    (media) => {
      const got = JSON.stringify(media)
      expect(refusalOf(withEnergy({ media }))).toMatchObject({ reason: 'kind', path: 'media', got })
    },
  )

  it('keeps negative power and flow, and values out of range with a flag', () => {
    const { fields, flags } =
      elementOf(withEnergy({ power_kw: -3.706, flow_m3h: -0.2, flow_c: 250 })) ?? {}
    expect(fields).toMatchObject({ powerKw: -3.706, volumeFlowM3h: -0.2, tFlowC: 250 })
    expect(flags).toBe(FLAGS.out_of_range)
  })

  it.each([
    ['a list', { power_kw: [1] }, 'power_kw', 'array'],
    ['text', { t1_temperature_c: '40' }, 't1_temperature_c', 'string'],
    ['a flag', { total_kwh: true }, 'total_kwh', 'boolean'],
    ['an energy beyond a double', { total_energy_gj: 1e308 }, 'total_energy_gj', 'a number too l'],
  ])('is refused for %s in place of a number', (_name, parts, path, got) => {
    const refusal = refusalOf(withEnergy(parts))
    expect(refusal).toMatchObject({ reason: 'schema', path, expected: 'number' })
    expect(refusal?.got).toContain(got)
  })

  it('is refused for a duplicate name', () => {
    const text = JSON.stringify(telegram()).replace('"id"', '"id":"1","id"')
    expect(refusalOf(bytes(text))).toMatchObject({ reason: 'malformed', path: 'id' })
  })
})

describe('the "no value" of M-Bus', () => {
  it.each([
    -32768,
    -2147483648,
    -910.222222,
    -3276.8,
    -327.68,
    -32.768,
    -9102.222222,
    -2147483.648,
    -596523235.555556,
    -0.032768 * 1000,
  ])('%d', (value) => {
    expect(isMbusNoValue(value)).toBe(true)
    expect(elementOf(withEnergy({ power_kw: value }))?.fields).not.toHaveProperty('powerKw')
  })

  it.each([0, -0.022, -0.2, -2.5, -3.706, -10, -1, -910.2, -32767, -327.67, 32768])(
    'is not %d',
    (value) => expect(isMbusNoValue(value)).toBe(false),
  )

  it('is recognised at every scale of M-Bus, as printed with six decimals', () => {
    const raw = fc.constantFrom(-32768, -2147483648)
    fc.assert(
      fc.property(raw, fc.integer({ min: -3, max: 3 }), fc.boolean(), (value, exponent, joule) => {
        const scaled = (value * 10 ** exponent) / (joule ? 3.6 : 1)
        expect(isMbusNoValue(Number(scaled.toFixed(6)))).toBe(true)
      }),
      propertyRuns(),
    )
  })
})

describe('the time of a telegram', () => {
  const at = (...parts: Parameters<typeof Date.UTC>) => BigInt(Date.UTC(...parts)) * 1_000_000n
  const noTime = { timestamp: undefined }

  it('is the time of the gateway, not of the meter', () => {
    const element = elementOf(withEnergy({ meter_datetime: '2018-01-01 00:00' }))
    expect(element?.timeNs).toBe(at(2025, 10, 24, 16))
  })

  it('is the time of the meter where the gateway has none, in the zone of the settings', () => {
    for (const name of ['meter_datetime', 'device_datetime', 'device_date_time']) {
      const given = withEnergy({ ...noTime, [name]: '2025-07-01 14:05' })
      expect(elementOf(given)?.timeNs).toBe(at(2025, 6, 1, 12, 5))
      const settings = { timezone: 'Europe/London' }
      expect(elementOf(given, { settings })?.timeNs).toBe(at(2025, 6, 1, 13, 5))
    }
  })

  it('of a gateway without a zone is unknown, unless the settings name the zone', () => {
    const given = withEnergy({ timestamp: '2025-07-01T14:05:00' })
    expect(elementOf(given)).toMatchObject({ timeNs: null, flags: FLAGS.clock_invalid })
    const settings = { timezone: 'UTC' }
    const read = { timeNs: at(2025, 6, 1, 14, 5), flags: 0 }
    expect(elementOf(given, { settings })).toMatchObject(read)
  })

  it('may be Unix time', () => {
    expect(elementOf(withEnergy({ timestamp: 1764000000 }))?.timeNs).toBe(at(2025, 10, 24, 16))
  })

  it.each([
    ['nothing', undefined, undefined, 'nothing'],
    ['placeholders', '1111-11-11T11:11:11Z', '1111-11-11 11:11', '"1111-11-11T11:11:11Z"'],
    ['a clock that is not set', null, '2127-15-31 00:00', 'meter_datetime "2127-15-31 00:00"'],
    ['words', 'now', '2025-07-01 14:05', '"now"'],
    ['a day that is none', '2025-02-30T00:00:00Z', undefined, '"2025-02-30T00:00:00Z"'],
    ['a list', [], undefined, 'object'],
  ])('is never %s', (_name, timestamp, meter, got) => {
    const refusal = refusalOf(withEnergy({ timestamp, meter_datetime: meter }))
    expect(refusal).toMatchObject({ reason: 'schema', path: 'timestamp', got })
  })
})

describe('the number of a meter', () => {
  const flagsOf = (id: unknown, meterId: unknown) =>
    elementOf(withEnergy({ id }), { settings: { meterId } })?.flags

  it('is flagged when the device is registered with another one', () => {
    expect(flagsOf('40501234', '40501234')).toBe(0)
    expect(flagsOf('40501234', '40501235')).toBe(FLAGS.identity_mismatch)
    expect(flagsOf('40501234', undefined)).toBe(0)
  })

  it('is compared with the leading zeros that a number loses', () => {
    expect(flagsOf(12345, '00012345')).toBe(0)
    expect(flagsOf('00012345', 12345)).toBe(0)
    expect(flagsOf('0001234a', '1234A')).toBe(0)
  })

  it.each([undefined, null, '', 'x'.repeat(65), 'a b', 1.5, -1e300, true, []])(
    'is not %j',
    (id) => {
      expect(refusalOf(withEnergy({ id }))).toMatchObject({ reason: 'schema', path: 'id' })
    },
  )
})

describe('the state of a meter', () => {
  const stateOf = (parts: Record<string, unknown>) => {
    const { fields, flags } = elementOf(withEnergy(parts)) ?? {}
    return [fields?.['status'], flags]
  }

  it.each([
    [{ status: 'OK' }, 'OK', 0],
    [{ status: ' OK ' }, 'OK', 0],
    [{ status: 'OK POWER_LOW' }, 'OK POWER_LOW', 0],
    [{ status: 'DRY' }, 'DRY', FLAGS.sensor_error],
    [{ status: 'UNKNOWN_20' }, 'UNKNOWN_20', FLAGS.sensor_error],
    [{ current_status: 'ERROR_FLAGS_2000000' }, 'ERROR_FLAGS_2000000', FLAGS.sensor_error],
    [{ status: '', infocodes: 0 }, 'OK', 0],
    [{ info_codes: 2, meter: 'multical302' }, 'LOW_BATTERY', 0],
    [
      { info_codes: 0x1028, meter: 'kamheat' },
      'SENSOR_T1_ABOVE_MEASURING_RANGE SENSOR_T1_BELOW_MEASURING_RANGE LEAK',
      FLAGS.sensor_error,
    ],
    [{ info_codes: 0x400, meter: 'kamheat' }, 'UNKNOWN_10', FLAGS.sensor_error],
    [{ info_codes: 4, meter: 'sharky' }, 'INFO_CODE_4', FLAGS.sensor_error],
    [{ info_codes: 1e9, meter: 'kamheat' }, 'INFO_CODE_1000000000', FLAGS.sensor_error],
    [{ status: 'E'.repeat(999) }, 'E'.repeat(256), FLAGS.sensor_error],
    [{ status: null }, undefined, 0],
  ])('%j', (parts, text, flags) => {
    expect(stateOf(parts)).toEqual([text, flags])
  })
})

describe('an electricity meter', () => {
  const kind = 'energy_meter'

  it('has exported power as negative power', () => {
    const power = (parts: Record<string, unknown>) =>
      elementOf(withEnergy({ media: 'electricity', ...parts }), { kind })?.fields['powerKw']
    expect(power({ current_power_consumption_kw: 2 })).toBe(2)
    expect(power({ current_power_production_kw: 1.5 })).toBe(-1.5)
    expect(power({ current_power_consumption_kw: 0, current_power_production_kw: 3 })).toBe(-3)
    expect(power({ current_power_production_kw: null })).toBeUndefined()
  })

  it('is refused as a heat meter', () => {
    expect(refusalOf(telegram(), { kind })).toMatchObject({ reason: 'kind', got: '"heat"' })
  })
})

describe('a device that is no meter', () => {
  it.each(['truck', 'robot', 'gateway'] as const)('is refused: %s', (kind) => {
    expect(refusalOf(telegram(), { kind })).toMatchObject({ reason: 'kind', path: '' })
  })
})

describe('the native channels of a meter', () => {
  it('make a status an event and read native payloads as such', () => {
    expect(parse(bytes('online'), { topic: 'status' })).toEqual({ elements: [], refused: [] })
    const native = { v: 1, kind: 'heat_meter', data: { energyKwh: 5 } }
    expect(elementOf(native, { topic: 'telemetry' })?.fields).toEqual({ energyKwh: 5 })
    expect(elementOf(telegram(), { topic: 'telemetry' })?.kind).toBe('heat_meter')
    expect(refusalOf(native)?.path).toBe('id')
  })
})

describe('any payload at all', () => {
  it('becomes one reading or one refusal, and never throws', () => {
    const names = [...METERS.heat_meter.targets.keys(), ...METERS.energy_meter.targets.keys()]
    const others = ['id', 'media', 'timestamp', 'meter_datetime', 'status', 'info_codes', 'meter']
    const value = fc.oneof(fc.jsonValue(), fc.double(), fc.constantFrom('ß'.repeat(64), 1e308))
    const damaged = fc
      .dictionary(fc.constantFrom(...names, ...others), value)
      .chain((parts) => fc.constantFrom(parts, telegram(parts)))
    const text = fc.oneof(
      fc.json(),
      fc.string(),
      damaged.map((one) => JSON.stringify(one)),
    )
    const payload = fc.oneof(fc.uint8Array({ maxLength: 300 }), text.map(bytes))
    const from = fc.record({
      kind: fc.constantFrom('heat_meter', 'energy_meter', 'truck', 'gateway'),
      settings: fc.record({ meterId: value, timezone: fc.constantFrom('UTC', 'x', null) }),
    })
    fc.assert(
      fc.property(payload, from, (given, device) => {
        const { elements, refused } = parse(given, device)
        expect(elements.length + refused.length).toBe(1)
        expect(JSON.stringify(refused).length).toBeLessThan(500)
      }),
      propertyRuns(3000),
    )
  })
})
