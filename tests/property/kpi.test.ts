import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BUCKET_RELATIVE_ERROR,
  BUCKET_SMALLEST_MS,
  bucketOf,
  countBuckets,
  mergeBuckets,
  percentileOfBuckets,
  type BucketCount,
} from '#lib/kpi/buckets.ts'
import { addSample, createClockFilter, offsetAt } from '#lib/kpi/network/clock.ts'
import { ipdv, pdv, rtpJitter } from '#lib/kpi/network/jitter.ts'
import { latencyFigures } from '#lib/kpi/network/latency.ts'
import { percentile } from '#lib/kpi/percentile.ts'
import { lossOfSeries } from '../support/loss-of-series.ts'
import { propertyRuns } from '../support/random-runs.ts'

const latencyMs = fc.oneof(
  fc.double({ min: 0, max: 1e9, noNaN: true }),
  fc.double({ min: 1, max: 500, noNaN: true }),
  fc.integer({ min: 0, max: 2000 }),
)
const series = fc.array(latencyMs, { minLength: 1, maxLength: 200 })
const rank = fc.oneof(
  fc.constantFrom(0, 50, 95, 99, 100),
  fc.double({ min: 0, max: 100, noNaN: true }),
)

const histogramOf = (values: readonly number[]): BucketCount[] =>
  values.map((value) => ({ bucket: bucketOf(value), n: 1 }))

const entries = (map: ReadonlyMap<number, number>) => [...map].toSorted(([a], [b]) => a - b)

describe('percentiles', () => {
  it('do not depend on the order of the values', () => {
    fc.assert(
      fc.property(series, rank, (values, p) => {
        expect(percentile(values.toReversed(), p)).toBe(percentile(values, p))
        expect(latencyFigures(values.toReversed(), [p])).toEqual(latencyFigures(values, [p]))
      }),
      propertyRuns(),
    )
  })

  it('rise with p and stay between the least and the greatest value', () => {
    fc.assert(
      fc.property(series, rank, rank, (values, p, q) => {
        const [low, high] = [
          percentile(values, Math.min(p, q))!,
          percentile(values, Math.max(p, q))!,
        ]
        expect(low).toBeLessThanOrEqual(high)
        expect(low).toBeGreaterThanOrEqual(Math.min(...values))
        expect(high).toBeLessThanOrEqual(Math.max(...values))
      }),
      propertyRuns(),
    )
  })

  it('of buckets are within the stated error of the exact ones', () => {
    fc.assert(
      fc.property(series, rank, (values, p) => {
        const exact = percentile(values, p)!
        const bucketed = percentileOfBuckets(histogramOf(values), p)!
        // 1e-12 for the rounding of the interpolation itself.
        const allowed = exact * (BUCKET_RELATIVE_ERROR + 1e-12) + BUCKET_SMALLEST_MS
        expect(Math.abs(bucketed - exact)).toBeLessThanOrEqual(allowed)
      }),
      propertyRuns(1000),
    )
  })

  it('of buckets mirror for negative values', () => {
    fc.assert(
      fc.property(series, (values) => {
        const negative = percentileOfBuckets(histogramOf(values.map((value) => -value)), 0)!
        expect(Math.abs(negative)).toBe(percentileOfBuckets(histogramOf(values), 100))
      }),
      propertyRuns(),
    )
  })
})

describe('merging buckets', () => {
  it('is commutative and associative, and nothing is neutral', () => {
    fc.assert(
      fc.property(series, series, series, (a, b, c) => {
        const [x, y, z] = [histogramOf(a), histogramOf(b), histogramOf(c)]
        const all = entries(mergeBuckets(x, y, z))
        expect(entries(mergeBuckets(z, y, x))).toEqual(all)
        expect(entries(mergeBuckets(mergeBuckets(x, y), z))).toEqual(all)
        expect(entries(mergeBuckets(x, mergeBuckets(y, z)))).toEqual(all)
        expect(entries(mergeBuckets(x, []))).toEqual(entries(mergeBuckets(x)))
      }),
      propertyRuns(),
    )
  })

  it('gives the histogram of all values together', () => {
    fc.assert(
      fc.property(series, series, rank, (a, b, p) => {
        const merged = mergeBuckets(histogramOf(a), histogramOf(b))
        expect(countBuckets(merged).n).toBe(a.length + b.length)
        expect(percentileOfBuckets(merged, p)).toBe(
          percentileOfBuckets(histogramOf([...a, ...b]), p),
        )
      }),
      propertyRuns(),
    )
  })
})

describe('variation of delay', () => {
  it('does not change with the offset of a clock', () => {
    // Whole ms, so that adding an offset is exact; 2^40 ms is a clock 34 years off.
    const delays = fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 2, maxLength: 100 })
    const offset = fc.integer({ min: -(2 ** 40), max: 2 ** 40 })
    fc.assert(
      fc.property(delays, offset, (delaysMs, offsetMs) => {
        const shifted = delaysMs.map((delay) => delay + offsetMs)
        expect(rtpJitter(shifted)).toBe(rtpJitter(delaysMs))
        expect(ipdv(shifted)).toEqual(ipdv(delaysMs))
        expect(pdv(shifted)).toEqual(pdv(delaysMs))
      }),
      propertyRuns(),
    )
  })
})

describe('the clock estimate', () => {
  it('holds the true offset within its bound, whatever the network does, while drift is normal', () => {
    const ns = (min: number, max: number) => fc.bigInt({ min: BigInt(min), max: BigInt(max) })
    // A way takes time: without any, drift alone makes the delay negative, which is refused.
    const way = ns(100, 5e9)
    const step = fc.record({ gapNs: ns(0, 600e9), upNs: way, workNs: ns(0, 1e6), downNs: way })
    const offset = fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n })
    const drift = fc.integer({ min: -14, max: 14 })
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 20 }),
        offset,
        drift,
        (steps, start, ppm) => {
          // The device clock runs `ppm` fast from `start` ahead of ours.
          const aheadAt = (atNs: bigint) => start + (atNs * BigInt(ppm)) / 1_000_000n
          let nowNs = 0n
          let filter = createClockFilter()
          for (const { gapNs, upNs, workNs, downNs } of steps) {
            const sentNs = nowNs + gapNs
            const t2 = sentNs + upNs
            const t3 = t2 + workNs
            nowNs = t3 + downNs
            const sample = { t1: sentNs + aheadAt(sentNs), t2, t3, t4: nowNs + aheadAt(nowNs) }
            filter = addSample(filter, sample)
            const { offsetNs, boundNs } = offsetAt(filter, nowNs)!
            const errorNs = offsetNs - aheadAt(nowNs)
            // 1 us of grace for the drift within the exchange itself.
            expect((errorNs < 0n ? -errorNs : errorNs) <= boundNs + 1000n).toBe(true)
          }
        },
      ),
      propertyRuns(300),
    )
  })
})

describe('loss', () => {
  /** Numbers sent from `from`, some of them lost, the others displaced by less than `window`. */
  const run = fc.record({
    from: fc.integer({ min: 0, max: 5_000_000 }),
    kept: fc.array(fc.boolean(), { minLength: 2, maxLength: 300 }),
    shifts: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 300, maxLength: 300 }),
  })

  it('does not depend on the order of arrival within a window, and counts each number once', () => {
    fc.assert(
      fc.property(run, ({ from, kept, shifts }) => {
        const sent = kept.flatMap((isKept, at) => (isKept ? [from + at] : []))
        if (sent.length === 0) return
        const arrived = sent
          .map((seq, at) => ({ seq, due: at + shifts[at]! }))
          .toSorted((a, b) => a.due - b.due)
          .map(({ seq }) => seq)
        const span = sent.at(-1)! - sent[0]! + 1
        expect(lossOfSeries(arrived)).toMatchObject({
          expected: span,
          received: sent.length,
          lost: span - sent.length,
          restarts: 0,
        })
      }),
      propertyRuns(1000),
    )
  })

  it('is never negative, and always expected less received, whatever a device sends', () => {
    const seq = fc.oneof(fc.nat(50), fc.nat(3000), fc.maxSafeNat())
    fc.assert(
      fc.property(fc.array(seq, { maxLength: 300 }), (sequence) => {
        const { expected, received, lost, restarts } = lossOfSeries(sequence)
        expect(lost).toBeGreaterThanOrEqual(0)
        expect(expected - received).toBe(lost)
        expect(received).toBeLessThanOrEqual(sequence.length)
        expect(restarts).toBeLessThanOrEqual(sequence.length)
      }),
      propertyRuns(1000),
    )
  })
})
