import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KINDS, KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import { dataSchema, type FieldDefinition } from '#lib/telemetry/field.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { checkValues, createAcceptor } from '#lib/telemetry/values.ts'
import { RADIO_FIELDS } from '#lib/telemetry/radio.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const accept = createAcceptor(KINDS.truck.fields)

describe('accepted values', () => {
  it('are the given object where nothing has to change', () => {
    const values = { speedKmh: 83.25, ignition: true, driverState: 'DRIVE' }
    expect(accept(values)?.fields).toBe(values)
  })

  it('have no nulls, no sentinels and no unknown names, which are named', () => {
    const given = { speedKmh: 65535, odometerM: -1, gcwKg: 655350, fuelPct: null, mood: 'good' }
    expect(accept({ ...given, ambientC: 10.5 })).toEqual({
      fields: { ambientC: 10.5 },
      flags: 0,
      unknown: ['mood'],
    })
  })

  it('keep a zero, a number that is a sentinel elsewhere, and false', () => {
    const values = { speedKmh: 0, odometerM: 65535, ignition: false, lat: 0, lon: 9.3 }
    expect(accept(values)).toEqual({ fields: values, flags: 0, unknown: null })
  })

  it('have no position without a fix: 0, 0', () => {
    expect(accept({ lat: 0, lon: 0, speedKmh: 3 })?.fields).toEqual({ speedKmh: 3 })
  })

  it('keep values out of range, with the flag', () => {
    const battery = accept({ socPct: 107, speedKmh: 50 })
    expect(battery).toEqual({
      fields: { socPct: 107, speedKmh: 50 },
      flags: FLAGS.out_of_range,
      unknown: null,
    })
    expect(accept({ speedKmh: 130 })?.flags).toBe(0)
    expect(accept({ speedKmh: 130.5 })?.flags).toBe(FLAGS.out_of_range)
  })

  it('write cell ids in upper case', () => {
    const radio = createAcceptor(RADIO_FIELDS)
    expect(radio({ cellId: '5c422503d', sinrDb: 17 })?.fields).toEqual({
      cellId: '5C422503D',
      sinrDb: 17,
    })
  })

  it('drop the scaled sentinel of a heat meter', () => {
    const heat = createAcceptor(KINDS.heat_meter.fields)
    expect(heat({ energyKwh: -910.222222, volumeM3: 1 })?.fields).toEqual({ volumeM3: 1 })
  })
})

describe('rules on accepted values', () => {
  it('require at least one value, and show the names that came', () => {
    expect(checkValues(KINDS.truck, {}, { mood: 1 })).toEqual({
      path: '',
      expected: 'at least one value of truck',
      got: 'no usable value, only mood',
    })
    expect(checkValues(KINDS.truck, {}, undefined)?.got).toBe('nothing')
    expect(checkValues(KINDS.truck, {}, {})?.got).toBe('an empty object')
  })

  it.each(['truck', 'robot', 'radio', 'probe'] as const)(
    '%s: lat and lon only together',
    (kind) => {
      expect(checkValues(KINDS[kind], { lat: 54.8 }, {})?.path).toBe('lon')
      expect(checkValues(KINDS[kind], { lon: 9.3 }, {})?.path).toBe('lat')
      expect(checkValues(KINDS[kind], { lat: 54.8, lon: 9.3 }, {})).toBeNull()
    },
  )
})

/** Values that are right, nearly right and wrong, for any kind of field. */
const anyValue = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.string({ maxLength: 300 }),
  fc.constantFrom(null, 'nr-sa', 'lte', '5c422503d', '5C42', 'xyz', Infinity, -0, [], {}, [1], {}),
)

describe('the quick check and the schema of the same fields', () => {
  it.each(KIND_NAMES)('accept the same values of %s and change them in the same way', (kind) => {
    // Sentinels and positions are the business of the quick check alone.
    const plain = Object.entries(KINDS[kind].fields).filter(
      ([name]) => !['lat', 'lon'].includes(name),
    )
    const fields: Record<string, FieldDefinition> = Object.fromEntries(
      plain.map(([name, field]) => [name, { ...field, sentinels: [] }]),
    )
    const quick = createAcceptor(fields)
    const schema = dataSchema(fields)
    const names = fc.constantFrom(...Object.keys(fields), 'unknown', 'toString')
    fc.assert(
      fc.property(fc.dictionary(names, anyValue, { maxKeys: 4 }), (values) => {
        const slow = schema.safeParse({ ...values })
        const fast = quick({ ...values })
        expect(fast !== null).toBe(slow.success)
        if (!fast || !slow.success) return
        const kept = Object.entries(slow.data).filter(([, value]) => value !== null)
        expect(fast.fields).toEqual(Object.fromEntries(kept))
      }),
      propertyRuns(2000),
    )
  })
})
