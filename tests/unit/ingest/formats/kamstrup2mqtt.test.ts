import { describe, expect, it } from 'vitest'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import type { Device } from '#lib/registry/registry.ts'
import { kamstrup2mqtt } from '../../../../ingest/formats/kamstrup2mqtt.ts'
import { NAMES } from '../../../../ingest/formats/kamstrup2mqtt/names.ts'
import { formatInput } from '../../../support/format-input.ts'

function parse(payload: unknown, settings: Device['settings'] = {}, channel = 'kamstrup/heat') {
  const bytes = Buffer.from(JSON.stringify(payload))
  return kamstrup2mqtt.parse(formatInput(bytes, 'heat_meter', channel, settings))
}

const fieldsOf = (payload: unknown, settings?: Device['settings']) =>
  parse(payload, settings).elements[0]?.fields

describe('the names of kamstrup2mqtt', () => {
  it('fill only number fields of a heat meter', () => {
    const fields: Readonly<Record<string, { readonly type: string }>> = KINDS.heat_meter.fields
    for (const { to } of Object.values(NAMES)) expect(fields[to]?.type, to).toBe('number')
  })

  it.each([
    ['Wh', 7_000, 7],
    ['kWh', 7, 7],
    ['MWh', 7, 7000],
    ['gj', 3.6, 1000],
    ['MJ', 36, 10],
    ['Gcal', 2, 2326],
  ])('take the unit of a bare register from the registry: %s', (energyUnit, value, kwh) => {
    expect(fieldsOf({ energy: value }, { energyUnit })?.['energyKwh']).toBeCloseTo(kwh, 9)
  })

  it.each([undefined, null, 7, '', 'm3', 'toString'])(
    'are refused without a known unit: %s',
    (energyUnit) => {
      const { elements, refused } = parse({ energy: 7, volume: 3 }, { energyUnit })
      expect(elements).toEqual([])
      expect(refused).toMatchObject([{ reason: 'unit_unknown', path: 'energy' }])
    },
  )

  it('prefer operating hours, whatever the order', () => {
    expect(fieldsOf({ ON_TIME: 7200, OPERATING_TIME: 3600 })?.['operatingHoursH']).toBe(1)
    expect(fieldsOf({ OPERATING_TIME: 3600, ON_TIME: 7200 })?.['operatingHoursH']).toBe(1)
  })
})

describe('a message', () => {
  it('has the hash of its bytes and no sequence', () => {
    const payload = Buffer.from('{"ENERGY_WH":1}')
    const input = formatInput(payload, 'heat_meter', 'kamstrup/heat')
    const [element] = kamstrup2mqtt.parse(input).elements
    expect(element).toMatchObject({ seq: null, timeNs: null, hash: hashBytes(payload) })
  })

  it('in the native format on the native channel is read as such', () => {
    const native = { v: 1, kind: 'heat_meter', seq: 3, data: { energyKwh: 5 } }
    expect(parse(native, {}, 'telemetry').elements).toMatchObject([{ seq: 3 }])
  })

  it('about the program is an event on every topic level', () => {
    for (const channel of ['status', 'kamstrup/status', 'a/b/heat/counter', 'k/sw-version']) {
      expect(parse('online', {}, channel)).toEqual({ elements: [], refused: [] })
    }
  })
})
