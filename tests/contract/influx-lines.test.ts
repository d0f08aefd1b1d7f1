import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseResponse } from '#lib/store/influx/client/response.ts'
import { identifier, literal, readingsWithin } from '#lib/store/influx/client/influxql.ts'
import { pointLine } from '#lib/store/influx/write/line.ts'
import { pointTimeNs } from '#lib/store/influx/write/point-time.ts'
import { readingLine, seriesOf } from '#lib/store/influx/write/reading-point.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { DAY_START_NS, JOURNAL, reading } from './store-rows.ts'

const MS_NS = 1_000_000n

describe('the point of a reading', () => {
  it('stays in the millisecond of the reading, whatever its time, number and hash', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 4n * 10n ** 18n }),
        fc.option(fc.maxSafeNat()),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.constantFrom(0, FLAGS.sequence_reused),
        (timeNs, seq, hash, flags) => {
          const moved = pointTimeNs({ timeNs, seq, hash, flags, readingOrdinal: 3 })
          expect(moved / MS_NS).toBe(timeNs / MS_NS)
        },
      ),
    )
  })

  it('is another one for each of a thousand numbers of one ms, us or ns', () => {
    for (const timeNs of [DAY_START_NS, DAY_START_NS + 7000n, DAY_START_NS + 999_999n]) {
      const times = Array.from({ length: 1000 }, (_, n) =>
        pointTimeNs(reading(1, { timeNs, seq: 123_456 + n })),
      )
      expect(new Set(times).size).toBe(1000)
    }
  })

  it('does not depend on the position of the reading in a journal', () => {
    const here = reading(1, { timeNs: DAY_START_NS, seq: null, hash: 77n })
    const there = { ...here, position: 900_000, receivedAtNs: 1n }
    expect(pointTimeNs(there)).toBe(pointTimeNs(here))
    expect(seriesOf(there)).toBe(seriesOf(here))
  })

  it('names its tags alone by what the registry bounds', () => {
    const row = reading(5, {
      kind: 'radio',
      fields: { rat: 'lte', rsrpDbm: -80, pci: 3 },
      radio: { rat: 'lte', rsrpDbm: -81, cellId: 'A1' },
      timeNs: DAY_START_NS,
    })
    const line = readingLine(row, seriesOf(row), JOURNAL)
    expect(line.slice(0, line.indexOf(' '))).toBe(
      'radio,channel=telemetry,device=acme.t1,rat=lte,tenant=acme',
    )
    expect(line).toContain(',f_rat="lte",rsrpDbm=-80,pci=3,radio_rsrpDbm=-81,radio_cellId="A1" ')
  })
})

describe('a line', () => {
  it('has no tag without a value and no number that is none, and never nothing', () => {
    const tags = { a: '', 'b c': 'd,e=f' }
    const fields = { x: Number.NaN, y: -0, z: 2n ** 53n + 1n, ok: false, text: 'a "b" \\' }
    expect(pointLine({ measurement: 'm n', tags, fields, timeNs: 5n })).toBe(
      String.raw`m\ n,b\ c=d\,e\=f y=-0,z=9007199254740993i,ok=false,text="a \"b\" \\" 5`,
    )
    const nothing = { measurement: 'm', tags: {}, fields: { x: Infinity }, timeNs: 0n }
    expect(() => pointLine(nothing)).toThrow(RangeError)
  })
})

describe('a response of InfluxDB', () => {
  it('keeps whole numbers exact, and digits in texts as they are', () => {
    const [series] = parseResponse(
      '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","v","t"],' +
        '"values":[[1795564800123456789,-0.1234567890123456,",1234567890123456789,\\"[1795564800123456789]"]]}]}]}',
    )
    expect(series?.[0]?.values).toEqual([
      ['1795564800123456789', -0.1234567890123456, ',1234567890123456789,"[1795564800123456789]'],
    ])
  })

  it('is put together of its chunks, statement by statement', () => {
    const chunk = (id: number, device: string, value: number) =>
      JSON.stringify({
        results: [
          {
            statement_id: id,
            series: [
              { name: 'm', tags: { device }, columns: ['v'], values: [[value]], partial: true },
            ],
          },
        ],
      })
    const text = [chunk(0, 'a', 1), chunk(0, 'a', 2), chunk(0, 'b', 3), chunk(2, 'b', 4)].join('\n')
    const values = parseResponse(text).map((series) => series.map((one) => one.values))
    expect(values).toEqual([[[[1], [2]], [[3]]], [], [[[4]]]])
    expect(() => parseResponse('{"results":[{"statement_id":0,"error":"no"}]}')).toThrow('no')
    expect(() => parseResponse('{"error":"error parsing query"}')).toThrow('parsing')
  })
})

describe('a statement', () => {
  it('cannot be left by a name or text', () => {
    expect(literal(`x' OR "a" = 'b\\`)).toBe(String.raw`'x\' OR "a" = \'b\\'`)
    expect(identifier(`a" FROM b\n`)).toBe(String.raw`"a\" FROM b\n"`)
  })

  it('looks at exact times only where a span is cut within a millisecond', () => {
    const whole = { fromNs: DAY_START_NS, toNs: DAY_START_NS + MS_NS }
    expect(readingsWithin(whole)).toHaveLength(1)
    expect(readingsWithin({ fromNs: whole.fromNs + 1n, toNs: whole.toNs - 1n })).toEqual([
      `time >= ${whole.fromNs} AND time < ${whole.toNs}`,
      `"timeNs" >= ${whole.fromNs + 1n}`,
      `"timeNs" < ${whole.toNs - 1n}`,
    ])
  })
})
