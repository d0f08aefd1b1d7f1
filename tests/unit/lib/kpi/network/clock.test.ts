import { describe, expect, it } from 'vitest'
import {
  CLOCK_FILTER_SIZE,
  addSample,
  clockOffset,
  createClockFilter,
  isOneWayShown,
  offsetAt,
  syncClass,
  thetaNs,
  type ClockFilter,
} from '#lib/kpi/network/clock.ts'

const MS = 1_000_000n
const S = 1_000_000_000n

function sampleMs(t1: number, t2: number, t3: number, t4: number) {
  const ns = (ms: number) => BigInt(ms) * MS
  return { t1: ns(t1), t2: ns(t2), t3: ns(t3), t4: ns(t4) }
}

/** An exchange at a platform time, with a delay, of a device that is `aheadNs` ahead. */
function exchange(atNs: bigint, delayNs: bigint, aheadNs = 0n) {
  return { t1: atNs - delayNs + aheadNs, t2: atNs, t3: atNs, t4: atNs + aheadNs }
}

describe('one clock exchange', () => {
  it.each([
    ['1000, 1260, 1262, 1022', sampleMs(1000, 1260, 1262, 1022), 250n, 20n],
    ['5 up, 25 down, no offset', sampleMs(0, 5, 5, 30), -10n, 30n],
    [
      'a device 46 s ahead',
      sampleMs(1_764_000_046_280, 1_764_000_000_012, 1_764_000_000_013, 1_764_000_046_305),
      -46_280n,
      24n,
    ],
  ])('gives theta and delay of the worked example: %s', (_name, sample, thetaMs, delayMs) => {
    expect(thetaNs(sample)).toBe(thetaMs * MS)
    expect(clockOffset(sample)?.delayNs).toBe(delayMs * MS)
  })

  it('gives how far the device is ahead: the opposite of theta', () => {
    const ahead = sampleMs(
      1_764_000_046_280,
      1_764_000_000_012,
      1_764_000_000_013,
      1_764_000_046_305,
    )
    expect(clockOffset(ahead)?.offsetNs).toBe(46_280n * MS)
  })

  it('is refused when its delay is negative', () => {
    const impossible = sampleMs(1000, 1260, 1290, 1022)
    expect(clockOffset(impossible)).toBeNull()
    expect(addSample(createClockFilter(), impossible)).toEqual(createClockFilter())
  })
})

describe('the clock filter', () => {
  it('knows nothing without an exchange', () => {
    expect(offsetAt(createClockFilter(), S)).toBeNull()
  })

  it('takes the exchange with the smallest delay', () => {
    let filter = createClockFilter()
    for (const [delayMs, aheadMs] of [
      [30n, 7n],
      [10n, 5n],
      [40n, 9n],
    ] as const) {
      filter = addSample(filter, exchange(100n * S, delayMs * MS, aheadMs * MS))
    }
    // Half of the delay is unknown asymmetry: the device may be 0 to 10 ms ahead.
    expect(offsetAt(filter, 100n * S)).toEqual({
      offsetNs: 5n * MS - 5n * MS,
      boundNs: 5n * MS,
      measuredAtNs: 100n * S,
    })
  })

  it('compares delays as numbers, not as text', () => {
    const slow = addSample(createClockFilter(), exchange(10n * S, 100n * MS))
    const both = addSample(slow, exchange(20n * S, 20n * MS))
    const other = addSample(both, exchange(30n * S, 100n * MS))
    expect(offsetAt(other, 20n * S)?.boundNs).toBe(10n * MS)
  })

  it('takes the newest of equal delays', () => {
    const first = addSample(createClockFilter(), exchange(10n * S, 8n * MS))
    const both = addSample(first, exchange(20n * S, 8n * MS))
    expect(offsetAt(both, 20n * S)?.measuredAtNs).toBe(20n * S)
  })

  it('forgets all but the last eight', () => {
    let filter = addSample(createClockFilter(), exchange(1n * S, 2n * MS))
    for (let second = 2n; second <= 9n; second += 1n) {
      filter = addSample(filter, exchange(second * S, 20n * MS))
    }
    expect(filter.samples).toHaveLength(CLOCK_FILTER_SIZE)
    expect(offsetAt(filter, 9n * S)?.boundNs).toBe(10n * MS)
  })

  it('lets the bound grow by 15 ppm of its age, in both directions of time', () => {
    const filter = addSample(createClockFilter(), exchange(1000n * S, 20n * MS))
    expect(offsetAt(filter, 1000n * S)?.boundNs).toBe(10n * MS)
    expect(offsetAt(filter, 1100n * S)?.boundNs).toBe(10n * MS + 1_500_000n)
    expect(offsetAt(filter, 900n * S)?.boundNs).toBe(10n * MS + 1_500_000n)
    expect(offsetAt(filter, 1000n * S + 1n)?.boundNs).toBe(10n * MS + 1n)
  })

  it('holds the true offset within its bound when a delay is odd by a nanosecond', () => {
    const filter = addSample(createClockFilter(), { t1: 0n, t2: 3n, t3: 3n, t4: 3n })
    const estimate = offsetAt(filter, 3n)
    expect(estimate?.boundNs).toBe(2n)
  })

  it('survives JSON, and a device clock that was never set', () => {
    const ahead = -1_700_000_000n * S
    const filter = addSample(createClockFilter(), exchange(1_764_000_000n * S, 10n * MS, ahead))
    const revived: ClockFilter = JSON.parse(JSON.stringify(filter))
    expect(offsetAt(revived, 1_764_000_000n * S)).toEqual(offsetAt(filter, 1_764_000_000n * S))
    expect(offsetAt(revived, 1_764_000_000n * S)?.offsetNs).toBe(ahead - 5n * MS)
  })
})

describe('the statements that a clock bound allows', () => {
  it('is given in classes', () => {
    const classes = [1n, 10n, 100n, 101n].map((boundMs) => syncClass(boundMs * MS))
    expect(classes).toEqual(['A', 'B', 'C', 'D'])
    expect(syncClass(null)).toBe('D')
  })

  it('is a one-way figure only where the bound is below a fifth of it', () => {
    expect(isOneWayShown(50, 9.9)).toBe(true)
    expect(isOneWayShown(50, 10)).toBe(false)
  })
})
