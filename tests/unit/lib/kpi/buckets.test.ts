import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it } from 'vitest'
import {
  BUCKET_RELATIVE_ERROR,
  BUCKET_SMALLEST_MS,
  bucketHighMs,
  bucketLowMs,
  bucketMidMs,
  bucketOf,
  bucketSql,
  countBuckets,
  mergeBuckets,
  percentileOfBuckets,
  percentilesOfBuckets,
} from '#lib/kpi/buckets.ts'

/** The next double above, and below, a positive one: where edges go wrong. */
function neighbours(value: number): number[] {
  const bits = new BigInt64Array(new Float64Array([value]).buffer)
  const at = (step: bigint) => new Float64Array(new BigInt64Array([bits[0]! + step]).buffer)[0]!
  return [at(-1n), value, at(1n)]
}

/** Powers of two and bucket edges with their neighbours, both signs, and a spread of others. */
function trickyValues(): number[] {
  const values = [0, -0, 5e-324, 1e-300, 0.001, 1e9, -1e9, 1.1166e9, Number.MAX_VALUE]
  for (let exponent = -12; exponent <= 41; exponent += 1) values.push(...neighbours(2 ** exponent))
  for (let bucket = 1; bucket < 2600; bucket += 1) values.push(...neighbours(bucketLowMs(bucket)))
  for (let step = 0; step < 4000; step += 1) values.push(1.013 ** (step - 1000) * 1e-3)
  for (let us = 0; us < 2000; us += 1) values.push(us / 1000)
  return [...values, ...values.map((value) => -value)]
}

describe('latency buckets', () => {
  it('keep every value within the stated error of the middle of its bucket', () => {
    for (const value of trickyValues()) {
      if (Math.abs(value) > 1e300) continue
      const errorMs = Math.abs(bucketMidMs(bucketOf(value)) - value)
      const size = Math.abs(value)
      const allowedMs = size < BUCKET_SMALLEST_MS ? 0.001 : size * BUCKET_RELATIVE_ERROR
      expect(errorMs).toBeLessThanOrEqual(allowedMs)
    }
    expect(BUCKET_RELATIVE_ERROR).toBeLessThanOrEqual(0.01)
  })

  it('cover 1 us to 1e9 ms in some 2500 buckets, in the order of the values', () => {
    expect(bucketOf(0.001)).toBe(2)
    expect(bucketOf(1e9)).toBeLessThan(2600)
    const sorted = trickyValues().toSorted((a, b) => a - b)
    const buckets = sorted.map(bucketOf)
    expect(buckets).toEqual(buckets.toSorted((a, b) => a - b))
  })

  it('hold their low end and not their high end, and meet without a gap', () => {
    for (let bucket = 1; bucket < 2600; bucket += 1) {
      expect(bucketOf(bucketLowMs(bucket))).toBe(bucket)
      expect(bucketOf(bucketHighMs(bucket))).toBe(bucket + 1)
      expect(bucketHighMs(bucket)).toBe(bucketLowMs(bucket + 1))
      expect(bucketLowMs(-bucket)).toBe(-bucketHighMs(bucket))
    }
    expect([bucketLowMs(0), bucketMidMs(0), bucketHighMs(0)]).toEqual([-(2 ** -10), 0, 2 ** -10])
  })

  it('put zero apart and mirror negative values', () => {
    expect(bucketOf(0)).toBe(0)
    expect(bucketOf(-0.0009)).toBe(0)
    expect(bucketOf(-46279)).toBe(-bucketOf(46279))
    expect(
      countBuckets([
        { bucket: -7, n: 3 },
        { bucket: 0, n: 1 },
        { bucket: 9, n: 2 },
      ]),
    ).toEqual({
      n: 6,
      negative: 3,
    })
  })

  it('refuse what is no latency at all', () => {
    expect(() => bucketOf(Infinity)).toThrow(/finite latency in ms, got Infinity/)
    expect(() => bucketOf(Number.NaN)).toThrow(/finite/)
  })

  it('come out the same in DuckDB', async () => {
    const values = trickyValues()
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    await connection.run('CREATE TABLE t (i INTEGER, v DOUBLE)')
    const appender = await connection.createAppender('t')
    for (const [i, value] of values.entries()) {
      appender.appendInteger(i)
      appender.appendDouble(value)
      appender.endRow()
    }
    appender.closeSync()
    const sql = `SELECT ${bucketSql('v')} AS b FROM t ORDER BY i`
    const rows = await connection.runAndReadAll(sql)
    expect(values.length).toBeGreaterThan(20_000)
    expect(rows.getColumns()[0]).toEqual(values.map((value) => bucketOf(value) + 0))
    connection.closeSync()
  })

  it('are NULL in DuckDB where there is no latency, also for whole numbers and constants', async () => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    const columns = ['NULL', "'nan'::DOUBLE", "'-infinity'::DOUBLE", '40::BIGINT', '-1.5::FLOAT']
    const sql = `SELECT ${columns.map((column) => bucketSql(column)).join(', ')}`
    const rows = await connection.runAndReadAll(sql)
    expect(rows.getRows()[0]).toEqual([null, null, null, bucketOf(40), bucketOf(-1.5)])
    connection.closeSync()
  })
})

describe('percentiles of buckets', () => {
  it('are nothing of nothing', () => {
    expect(percentileOfBuckets([], 50)).toBeNull()
    expect(percentileOfBuckets([{ bucket: 5, n: 0 }], 50)).toBeNull()
    expect(percentilesOfBuckets(new Map(), [50, 99])).toEqual([null, null])
  })

  it('take rows with repeated buckets and maps alike', () => {
    const rows = [10, 700, 10, 12, 700].map((bucket) => ({ bucket, n: 2 }))
    for (const p of [0, 25, 50, 95, 100]) {
      expect(percentileOfBuckets(rows, p)).toBe(percentileOfBuckets(mergeBuckets(rows), p))
    }
  })

  it('interpolate like type 7 between the middles', () => {
    const buckets = [
      { bucket: bucketOf(10), n: 1 },
      { bucket: bucketOf(20), n: 1 },
    ]
    const [low, high] = [bucketMidMs(bucketOf(10)), bucketMidMs(bucketOf(20))]
    expect(percentilesOfBuckets(buckets, [0, 50, 75, 100])).toEqual([
      low,
      (low + high) / 2,
      low + (high - low) * 0.75,
      high,
    ])
  })
})
