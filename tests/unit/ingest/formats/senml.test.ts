import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { Device } from '#lib/registry/registry.ts'
import { senml } from '../../../../ingest/formats/senml.ts'
import { decodeCbor } from '../../../../ingest/formats/senml/cbor.ts'
import { inUnit, unitsFor } from '../../../../ingest/formats/senml/units.ts'
import { formatInput } from '../../../support/format-input.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const RECEIVED_NS = 1_764_000_000_000_000_000n

function parse(pack: unknown, kind: Device['kind'] = 'heat_meter', channel = 'senml') {
  const payload = pack instanceof Uint8Array ? pack : Buffer.from(JSON.stringify(pack))
  return senml.parse(formatInput(payload, kind, channel))
}

const timesOf = (pack: unknown) => parse(pack).elements.map(({ timeNs }) => timeNs)
const at = (t: number | undefined, bt?: number) => [
  { n: 'm:tFlowC', v: 70, ...(t === undefined ? {} : { t }), ...(bt === undefined ? {} : { bt }) },
]

describe('the time of a record (RFC 8428, section 4.5.3)', () => {
  it.each([
    ['none is now', at(undefined), null],
    ['zero is now', at(0), null],
    ['below zero is past', at(-60), RECEIVED_NS - 60_000_000_000n],
    ['above zero is to come', at(0.5), RECEIVED_NS + 500_000_000n],
    ['one second below 2^28 is relative', at(268435455), RECEIVED_NS + 268_435_455_000_000_000n],
    ['2^28 is absolute', at(268435456), 268_435_456_000_000_000n],
    ['base and own time are added first', at(1, 268435455), 268_435_456_000_000_000n],
    ['microseconds stay exact', at(0.000001, 1764000000), 1_764_000_000_000_001_000n],
    ['beyond all calendars is the last moment there is', at(1e30), 9_223_372_036_854_775_807n],
    ['and before all the first', at(-1e30), RECEIVED_NS - 9_223_372_036_854_775_808n],
  ])('%s', (_name, pack, timeNs) => {
    expect(timesOf(pack)).toEqual([timeNs])
  })
})

describe('base fields', () => {
  it('mean the same as records that repeat them', () => {
    const value = fc.double({ min: -50, max: 150, noNaN: true })
    const record = fc.record({ t: fc.integer({ min: -1000, max: 1000 }), flow: value, back: value })
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), (rows) => {
        const short = rows.flatMap(({ t, flow, back }, index) => [
          {
            ...(index === 0 ? { bn: 'a:', bt: 1_764_000_000, bu: 'Cel' } : {}),
            n: 'tFlowC',
            t,
            v: flow,
          },
          { n: 'tReturnC', t, v: back },
        ])
        const resolved = rows.flatMap(({ t, flow, back }) => [
          { n: 'a:tFlowC', u: 'Cel', t: 1_764_000_000 + t, v: flow },
          { n: 'a:tReturnC', u: 'Cel', t: 1_764_000_000 + t, v: back },
        ])
        expect(parse(short)).toEqual(parse(resolved))
      }),
      propertyRuns(),
    )
  })
})

describe('units', () => {
  /** By hand: one of ours for each way in. */
  it.each([
    [3_600_000, 'J', 'kWh', 1],
    [3.6, 'GJ', 'kWh', 1000],
    [3.6, 'MJ', 'kWh', 1],
    [2, 'MWh', 'kWh', 2000],
    [5, 'Wh', 'kWh', 0.005],
    [2, 'MW', 'kW', 2000],
    [1, 'm3/s', 'm3/h', 3600],
    [2, 'l/s', 'm3/h', 7.2],
    [5400, 's', 'h', 1.5],
    [0.25, '/', '%', 25],
    [293.15, 'K', 'Cel', 20],
    [Math.PI, 'rad', 'deg', 180],
    [10, 'm/s', 'km/h', 36],
    [1.5, 's', 'ms', 1500],
    [230_000, 'mV', 'V', 230],
  ])('%d %s in %s is %d', (value, given, wanted, expected) => {
    expect(inUnit(value, given, wanted)).toBeCloseTo(expected, 9)
    expect(unitsFor(wanted)).toContain(given)
  })

  it('of our own fields are always accepted', () => {
    const fields = Object.values(KINDS).flatMap((kind) => Object.values(kind.fields))
    const units = fields.filter(({ type }) => type === 'number').map(({ unit }) => unit)
    for (const unit of units) expect(inUnit(7, unit, unit)).toBe(7)
  })

  it.each([
    ['C', 'Cel'],
    ['kWh', 'kW'],
    ['toString', 'kWh'],
    ['', 'kWh'],
  ])('"%s" is no unit of %s', (given, wanted) => {
    expect(inUnit(7, given, wanted)).toBeNull()
  })
})

describe('a pack', () => {
  it('of any number of records is read in time', () => {
    const pack = Array.from({ length: 20_000 }, (_, index) => ({
      n: 'm:tFlowC',
      v: index % 100,
      t: 1_764_000_000 + (index >> 1),
    }))
    expect(parse(pack).elements).toHaveLength(20_000)
  })

  it('on a native channel is distinguished from a native payload', () => {
    expect(parse(at(0), 'heat_meter', 'telemetry').elements).toHaveLength(1)
    const native = [{ v: 1, kind: 'heat_meter', seq: 7, data: { energyKwh: 5 } }]
    expect(parse(native, 'heat_meter', 'telemetry').elements).toMatchObject([{ seq: 7 }])
  })
})

describe('CBOR', () => {
  const decode = (hex: string) => decodeCbor(Buffer.from(hex, 'hex'))

  /** RFC 8949, appendix A. */
  it.each([
    ['00', 0],
    ['1864', 100],
    ['1903e8', 1000],
    ['1a000f4240', 1_000_000],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['20', -1],
    ['3903e7', -1000],
    ['f90000', 0],
    ['f93c00', 1],
    ['f90001', 5.960464477539063e-8],
    ['fa47c35000', 100_000],
    ['fb3ff199999999999a', 1.1],
    ['f4', false],
    ['f5', true],
    ['60', ''],
    ['6449455446', 'IETF'],
    ['62c3bc', '\u00fc'],
    ['83010203', [1, 2, 3]],
    ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
    ['c48221196ab3', 273.15],
  ])('%s is %j', (hex, value) => {
    expect(decode(hex)).toEqual({ value })
  })

  it('accepts labels as numbers and as texts', () => {
    expect(decode('a3616e6161200a0205')).toEqual({ value: { n: 'a', bver: 10, v: 5 } })
  })

  it.each([
    ['', 'the end of the bytes within an item'],
    ['0000', 'more bytes than one item'],
    ['1b00', 'the end of the bytes within a number'],
    ['1c', 'a reserved length'],
    ['62c3', 'a text or bytes longer than what is there'],
    ['62c328', 'a text that is not UTF-8'],
    ['7f616161ff', 'a text or bytes without a length'],
    ['a2000100ff', 'a value that SenML does not have'],
    ['a200010002', 'the label "n" twice'],
    ['a1f401', 'a label that is neither number nor text'],
    ['bf00ff', 'a label without a value'],
    ['c11a514b67b0', 'tag 1'],
    ['c4820501', null],
    ['c482f401', 'a decimal fraction that is no pair of whole numbers'],
    ['c4821903e801', 'a decimal fraction out of bounds'],
    ['9b7fffffffffffffff', 'the end of the bytes within an item'],
    ['81'.repeat(30), 'more than 16 levels'],
  ])('%s: %s', (hex, fault) => {
    const decoded = decode(hex)
    expect('fault' in decoded ? decoded.fault : null).toBe(fault)
  })
})
