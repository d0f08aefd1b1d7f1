import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import type { Device } from '#lib/registry/registry.ts'
import { mbus } from '../../../../ingest/formats/mbus.ts'
import { withoutExtendedLink } from '../../../../ingest/formats/mbus/frames/extended-link.ts'
import { wirelessFrame } from '../../../../ingest/formats/mbus/frames/wireless-frame.ts'
import { mbusHeader } from '../../../../ingest/formats/mbus/header.ts'
import { mbusNumber } from '../../../../ingest/formats/mbus/number.ts'
import { isProblem } from '../../../../ingest/formats/payload/problem.ts'
import { clearRecords } from '../../../../ingest/formats/mbus/security.ts'
import { formatInput } from '../../../support/format-input.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const inputOf = (name: string) =>
  Buffer.from(
    readFileSync(
      join(import.meta.dirname, '../../../cases/mbus', name, 'input.json'),
      'utf8',
    ).replaceAll(/[\s_|#]/g, ''),
    'hex',
  )

interface From {
  readonly kind?: Device['kind']
  readonly settings?: Device['settings']
}

function parse(telegram: Uint8Array, { kind = 'heat_meter', settings = {} }: From = {}) {
  return mbus.parse(
    formatInput(Buffer.from(Buffer.from(telegram).toString('hex')), kind, 'mbus', settings),
  )
}

/** A wired telegram of a KAM meter around records in hex; checksum and lengths are right. */
function wired(records: string, { maker = '2D2C', medium = '04', status = '00' } = {}) {
  const header = `0801 72 17588506 ${maker} 08 ${medium} 04 ${status} 0000 ${records}`
  const inside = Buffer.from(header.replaceAll(' ', ''), 'hex')
  const sum = inside.reduce((total, byte) => total + byte, 0) & 0xff
  const { length } = inside
  return Buffer.concat([Buffer.of(0x68, length, length, 0x68), inside, Buffer.of(sum, 0x16)])
}

function fieldsOf(records: string, parts = {}, from: From = {}) {
  const { elements, refused } = parse(wired(records, parts), from)
  expect(refused).toEqual([])
  return elements[0]?.fields ?? {}
}

/** Rows of EN 13757-3, tables 10 to 14, worked out by hand: raw value 1234 unless said. */
const UNITS: readonly (readonly [records: string, field: string, value: number])[] = [
  ['0400 D2040000', 'energyKwh', 0.001234],
  ['0403 D2040000', 'energyKwh', 1.234],
  ['0407 D2040000', 'energyKwh', 12340],
  ['0408 80EE3600', 'energyKwh', 1],
  ['040E D2040000', 'energyKwh', 342.77777777777777],
  ['04FB00 D2040000', 'energyKwh', 123400],
  ['04FB09 D2040000', 'energyKwh', 342777.77777777775],
  ['04FB0D 01000000', 'energyKwh', 1.163],
  ['048671 D2040000', 'energyKwh', 0.01234],
  ['0410 D2040000', 'volumeM3', 0.001234],
  ['0416 D2040000', 'volumeM3', 1234],
  ['04FB10 02000000', 'volumeM3', 200],
  ['0428 D2040000', 'powerKw', 0.001234],
  ['042F D2040000', 'powerKw', 12340],
  ['04FB28 01000000', 'powerKw', 100],
  ['0433 A00F0000', 'powerKw', 1.1111111111111112],
  ['0438 D2040000', 'volumeFlowM3h', 0.001234],
  ['0446 02000000', 'volumeFlowM3h', 12],
  ['044C 0A000000', 'volumeFlowM3h', 0.36],
  ['025A D204', 'tFlowC', 123.4],
  ['025F 6400', 'tReturnC', 100],
  ['0420 100E0000', 'operatingHoursH', 1],
  ['0425 3C000000', 'operatingHoursH', 1],
  ['0227 0200', 'operatingHoursH', 48],
]

describe('a record', () => {
  it.each(UNITS)('%s is %s %d', (records, field, value) => {
    expect(fieldsOf(records)[field]).toBeCloseTo(value, 9)
  })

  it('prefers operating hours to hours of power supply, in any order', () => {
    expect(fieldsOf('0422 0A000000 0426 05000000')['operatingHoursH']).toBe(5)
    expect(fieldsOf('0426 05000000 0422 0A000000')['operatingHoursH']).toBe(5)
  })

  it.each([
    ['a maximum', '1406 05000000'],
    ['a minimum', '2406 05000000'],
    ['a value of an error', '3406 05000000'],
    ['another storage number', '4406 05000000'],
    ['a storage number in a DIFE', '840106 05000000'],
    ['a tariff', '841006 05000000'],
    ['a sub-unit', '844006 05000000'],
    ['a way of counting we do not know', '0486FF21 05000000'],
  ])('is no current value: %s', (_name, records) => {
    expect(fieldsOf(`${records} 0406 07000000`)['energyKwh']).toBe(7)
  })

  it('with a VIF of Kamstrup is read for Kamstrup only', () => {
    expect(fieldsOf('04FF07 05000000 0406 01000000')['e8M3c']).toBe(5)
    const others = fieldsOf('04FF07 05000000 0406 01000000', { maker: 'A511' })
    expect(others).not.toHaveProperty('e8M3c')
  })

  it('of a phase goes to the field of the phase', () => {
    const from = { kind: 'energy_meter', settings: {} } as const
    const records = '02FDC8FC01 D108 02FDC8FC03 D208 0403 01000000'
    const fields = fieldsOf(records, { medium: '02' }, from)
    expect(fields).toMatchObject({ voltage1V: 225.7, voltage3V: 225.8, energyKwh: 0.001 })
  })
})

describe('a number', () => {
  const bytes = (hex: string) => Buffer.from(hex, 'hex')

  it.each([
    [1, 'FF', -1],
    [1, '80', null],
    [2, '00 80'.replace(' ', ''), null],
    [3, '000080', null],
    [4, '00000080', null],
    [4, 'FFFFFF7F', 2147483647],
    [6, '010000000080', -140737488355327],
    [7, '0000000000000080', null],
    [5, 'F5B84E40', 3.23003888130188],
    [5, '0000C07F', null],
    [9, '12', 12],
    [0xa, '3412', 1234],
    [0xc, '220000F0', -22],
    [0xe, '563412000000', 123456],
    [0xc, 'FFFFFFFF', null],
  ])('coded as %i: %s is %s', (coding, hex, value) => {
    expect(mbusNumber(coding, bytes(hex))).toEqual({ value, isError: false })
  })

  it('from an error display is an error', () => {
    expect(mbusNumber(0xc, bytes('BDEBDDDD'))).toEqual({ value: null, isError: true })
  })

  it('is the same as integer and as decimal', () => {
    fc.assert(
      fc.property(fc.integer({ min: -9_999_999, max: 99_999_999 }), (value) => {
        const integer = Buffer.alloc(4)
        integer.writeInt32LE(value)
        const digits = String(Math.abs(value)).padStart(value < 0 ? 7 : 8, '0')
        const bcd = bytes(`${value < 0 ? 'F' : ''}${digits}`).toReversed()
        // -0 is no integer.
        expect(mbusNumber(4, integer).value).toBe(value)
        expect(mbusNumber(0xc, bcd).value).toBe(value)
      }),
      propertyRuns(),
    )
  })
})

describe('a telegram', () => {
  const clear = inputOf('wireless-negative-power-in-bcd')
  const wiredOne = inputOf('wired-multical-601')
  const withCrcs = inputOf('wireless-encrypted-mode-5-frame-a')
  const KEY = '0102030405060708090A0B0C0D0E0F11'

  it('has the hash of its payload, no sequence and no time', () => {
    const payload = Buffer.from(clear.toString('hex'))
    const [element] = mbus.parse(formatInput(payload, 'heat_meter', 'mbus')).elements
    expect(element).toMatchObject({
      seq: null,
      timeNs: null,
      radio: null,
      hash: hashBytes(payload),
    })
  })

  it.each([
    ['wireless', clear],
    ['wireless with CRCs', withCrcs],
    ['wired', wiredOne],
  ])('that is cut off anywhere is refused: %s', (_name, whole) => {
    for (let length = 0; length < whole.length; length += 1) {
      const { elements, refused } = parse(whole.subarray(0, length), { settings: { aesKey: KEY } })
      expect(elements, String(length)).toEqual([])
      expect(refused).toMatchObject([{ elementIndex: -1, reason: 'malformed' }])
    }
  })

  it.each([
    ['CRCs of format A', withCrcs],
    ['a checksum', wiredOne],
  ])('with one bit changed is refused by %s', (_name, whole) => {
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      const damaged = Buffer.from(whole)
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const { elements } = parse(damaged, { settings: { aesKey: KEY } })
      expect(elements, `bit ${bit}`).toEqual([])
    }
  })

  it('is decrypted with the secret of the device before its setting, and no key is shown', () => {
    const input = formatInput(Buffer.from(withCrcs.toString('hex')), 'heat_meter', 'mbus', {
      aesKey: 'FF'.repeat(16),
    })
    expect(mbus.parse(input).refused).toMatchObject([{ path: 'security' }])
    const secretOf = (name: string) => (name === 'aesKey' ? KEY : null)
    const keyed = { ...input, secretOf }
    expect(mbus.parse(keyed).elements).toMatchObject([{ fields: { energyKwh: 1111.6 } }])
    const told = JSON.stringify(mbus.parse(input).refused)
    expect(told.toUpperCase()).not.toContain('FFFFFFFF')
  })

  it('in compact form is checked against its own CRC, once its format is known', () => {
    const compact = inputOf('wireless-compact-frame-known')
    const settings = { compactFrame: '0306 4306 0314 426C 022D 01FF21' }
    expect(parse(compact, { settings }).elements).toHaveLength(1)
    // Behind the layer with its own CRC, which a program that lost a byte would have made anew.
    const inner = compact.subarray(17 + 2)
    const bare = Buffer.concat([Buffer.of(9 + inner.length), compact.subarray(1, 10), inner])
    expect(parse(bare, { settings }).elements).toHaveLength(1)
    bare[16] = (bare[16] ?? 0) ^ 1
    expect(parse(bare, { settings }).refused).toMatchObject([{ path: 'compact frame' }])
    const other = { compactFrame: settings.compactFrame.replace('022D', '022E') }
    expect(parse(compact, { settings: other }).refused).toMatchObject([{ path: 'compact frame' }])
    for (const compactFrame of ['', 'x', 7, '03', '0D13']) {
      const { refused } = parse(compact, { settings: { compactFrame } })
      expect(refused).toMatchObject([{ reason: 'malformed' }])
    }
  })

  it('that the receiver has decrypted is read with and without a key', () => {
    for (const settings of [{}, { aesKey: KEY }]) {
      expect(parse(clear, { settings }).elements).toMatchObject([{ fields: { energyKwh: 16302 } }])
    }
  })

  it('with only a faulty status is a reading', () => {
    const { elements } = parse(wired('02FD17 0400'))
    const fields = { status: 'ERROR_FLAGS_4', medium: 'heat', meterId: '06855817' }
    expect(elements).toMatchObject([{ flags: FLAGS.sensor_error, fields }])
  })

  it.each([
    ['04', 'POWER_LOW', 0],
    ['08', 'PERMANENT_ERROR', FLAGS.sensor_error],
    ['10', 'TEMPORARY_ERROR', FLAGS.sensor_error],
    ['27', 'ALARM POWER_LOW UNKNOWN_20', FLAGS.sensor_error],
    ['00', 'OK', 0],
  ])('with status %s is %s', (status, text, flags) => {
    const { elements } = parse(wired('0406 01000000', { status }))
    expect(elements).toMatchObject([{ flags, fields: { status: text } }])
  })
})

describe('published ciphers', () => {
  const problemless = <T extends object>(value: T) => {
    expect(isProblem(value)).toBe(false)
    return value
  }
  const keyed = (aesKey: string) => formatInput(Buffer.of(0), 'heat_meter', 'mbus', { aesKey })

  it('the gas meter of OMS volume 2, annex N: security mode 5', () => {
    const frame =
      '2E4493157856341233037A2A0020255923C95AAA26D1B2E7493B013EC4A6F6D3529B520EDFF0EA6DEFC99D6D69EBF3'
    const link = problemless(wirelessFrame(Buffer.from(frame, 'hex')))
    if (isProblem(link)) return
    const header = problemless(mbusHeader(link.data, link.address, {}))
    if (isProblem(header)) return
    const records = clearRecords(header, keyed('0102030405060708090A0B0C0D0E0F11'))
    // The annex prints these bytes: 28504.27 m3, 2008-05-31 23:50, no errors, fillers.
    const expected = `2f2f0c1427048502046d32371f1502fd170000${'2f'.repeat(13)}`
    expect(Buffer.from(records as Uint8Array).toString('hex')).toBe(expected)
  })

  it('the MULTICAL 21 of wmbusmeters: extended link layer', () => {
    const frame =
      '2A442D2C998734761B168D2091D37CAC21E1D68CDAFFCD3DC452BD802913FF7B1706CA9E355D6C2701CC24'
    const link = problemless(wirelessFrame(Buffer.from(frame, 'hex')))
    if (isProblem(link)) return
    const opened = withoutExtendedLink(link, keyed('28F64A24988064A079AA2C807D6102AE'))
    const expected = '7802ff207100041308190000441308190000615b7f616713'
    expect('data' in opened && Buffer.from(opened.data).toString('hex')).toBe(expected)
  })
})
