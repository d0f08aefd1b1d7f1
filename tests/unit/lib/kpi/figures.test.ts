import { describe, expect, it } from 'vitest'
import { KPIS } from '#lib/kpi/catalogue.ts'
import { meanInterval, studentT975 } from '#lib/kpi/interval.ts'
import { ipdv, pdv, rtpJitter } from '#lib/kpi/network/jitter.ts'
import { ageMs, latencyFigures, uplinkMs } from '#lib/kpi/network/latency.ts'
import { lossRows } from '#lib/kpi/network/loss.ts'
import { percentile } from '#lib/kpi/percentile.ts'
import { throughputRows } from '#lib/kpi/network/throughput.ts'

/** Worked example of docs/domain.md 5.1, computed independently. */
const DELAYS_MS = [12, 15, 11, 40, 13, 14, 250, 12, 13, 16]

describe('percentiles of type 7', () => {
  it.each([
    [5, 11.45],
    [25, 12.25],
    [50, 13.5],
    [75, 15.75],
    [90, 61],
    [95, 155.5],
    [99, 231.1],
    [99.9, 248.11],
  ])('p%d of the worked example is %d', (p, expected) => {
    expect(percentile(DELAYS_MS, p)).toBeCloseTo(expected, 9)
  })

  it('are nothing of nothing, and the value itself of one value', () => {
    expect(percentile([], 50)).toBeNull()
    expect(percentile([7], 99)).toBe(7)
  })

  it('leave the series as it was', () => {
    const values = [3, 1, 2]
    percentile(values, 50)
    expect(values).toEqual([3, 1, 2])
  })
})

describe('mean with its interval', () => {
  it('gives the worked example', () => {
    const { mean, sd, halfWidth95 } = meanInterval(DELAYS_MS) ?? {}
    expect(mean).toBeCloseTo(39.6, 12)
    expect(sd).toBeCloseTo(74.41804, 5)
    expect(halfWidth95).toBeCloseTo(53.2355, 4)
  })

  it.each([
    [1, 12.706205],
    [2, 4.302653],
    [3, 3.182446],
    [9, 2.262157],
    [24, 2.063899],
    [1000, 1.962339],
    [1e9, 1.96],
  ])('takes t(%d) = %d from Student', (degrees, expected) => {
    expect(studentT975(degrees)).toBeCloseTo(expected, degrees > 1e6 ? 2 : 6)
  })

  it('claims nothing about the spread of one value', () => {
    expect(meanInterval([5])).toEqual({ n: 1, mean: 5, sd: null, halfWidth95: null })
    expect(meanInterval([])).toBeNull()
  })
})

describe('variation of delay', () => {
  it('gives the worked example', () => {
    const steps = ipdv(DELAYS_MS)
    expect(steps).toEqual([3, -4, 29, -27, 1, 236, -238, 1, 3])
    const meanMs = steps.reduce((sum, step) => sum + Math.abs(step), 0) / steps.length
    expect(meanMs).toBeCloseTo(60.2222, 4)
    expect(rtpJitter(DELAYS_MS)).toBeCloseTo(28.24539, 5)
    expect(percentile(pdv(DELAYS_MS), 95)).toBeCloseTo(144.5, 9)
  })

  it('is nothing below two delays', () => {
    expect(ipdv([5])).toEqual([])
    expect(rtpJitter([5])).toBeNull()
    expect(pdv([])).toEqual([])
  })
})

describe('latency', () => {
  it('is the receive time less the device time, to the nanosecond', () => {
    expect(ageMs(1_764_000_000_012_345_678n, 1_764_000_000_000_000_000n)).toBe(12.345678)
    expect(ageMs(1_764_000_000_012_000_000n, 1_764_000_046_280_000_000n)).toBe(-46268)
  })

  it('takes off the offset of a device clock that is 46.28 s ahead', () => {
    const receivedNs = 1_764_000_000_012_000_000n
    expect(uplinkMs(receivedNs, 1_764_000_046_280_000_000n, 46_280_000_000n)).toBe(12)
  })

  it('counts negative values instead of hiding them', () => {
    expect(latencyFigures([-3, 5, -1, 0, 7], [50, 95, 99])).toEqual({
      n: 5,
      percentilesMs: [0, expect.closeTo(6.6, 9), expect.closeTo(6.92, 9)],
      maxMs: 7,
      negative: 2,
    })
    const none = { n: 0, percentilesMs: [null], maxMs: null, negative: 0 }
    expect(latencyFigures([], [95])).toEqual(none)
  })
})

describe('throughput', () => {
  const volume = { messages: 120, readings: 360, bytes: 39_600 }
  const MINUTE_NS = 60_000_000_000n

  it('divides by the span', () => {
    const span = { fromNs: 0n, toNs: MINUTE_NS, everyNs: null }
    const row = { group: {}, timeNs: null, ...volume }
    expect(throughputRows([row], span)).toEqual([{ ...row, messagesPerS: 2, bytesPerS: 660 }])
  })

  it('divides by what the span covers of an interval', () => {
    const span = { fromNs: MINUTE_NS / 2n, toNs: 2n * MINUTE_NS, everyNs: MINUTE_NS }
    const rows = [MINUTE_NS, 0n].map((timeNs) => ({ group: {}, timeNs, ...volume }))
    const rates = throughputRows(rows, span).map(({ messagesPerS }) => messagesPerS)
    expect(rates).toEqual([4, 2])
  })

  it('leaves out groups without a reading', () => {
    const none = { group: {}, timeNs: null, messages: 0, readings: 0, bytes: 0 }
    expect(throughputRows([none], { fromNs: 0n, toNs: 1n, everyNs: null })).toEqual([])
  })
})

describe('the order of rows', () => {
  it('is by time and then by each value of the group, unknown values last', () => {
    const counts = { received: 1, lost: 0, restarts: 0 }
    const row = (timeNs: bigint, kind: string, rat: string | null) => ({
      group: { kind, rat },
      timeNs,
      ...counts,
    })
    const rows = [row(2n, 'a', 'x'), row(1n, 'b', 'x'), row(1n, 'a', null), row(1n, 'a', 'x')]
    expect(lossRows(rows).map(({ timeNs, group }) => [timeNs, group.kind, group.rat])).toEqual([
      [1n, 'a', 'x'],
      [1n, 'a', null],
      [1n, 'b', 'x'],
      [2n, 'a', 'x'],
    ])
  })
})

describe('the catalogue of figures', () => {
  it('names each figure by its key and gives unit, meaning and source', () => {
    for (const [name, kpi] of Object.entries(KPIS)) {
      expect(kpi.name).toBe(name)
      expect(kpi.unit).not.toBe('')
      expect(kpi.description).toMatch(/\.$/)
      expect(kpi.source).not.toBe('')
    }
  })
})
