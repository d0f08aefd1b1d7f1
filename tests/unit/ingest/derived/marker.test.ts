import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newestRun, runDone } from '../../../../ingest/derived/due.ts'
import { StageClock } from '../../../../ingest/state/stage-clock.ts'
import {
  NOW_NS,
  createTestClock,
  hourOf,
  minuteOf,
  openMarksPlace,
  type MarksPlace,
} from './marks-fixture.ts'

const MINUTE_NS = 60_000_000_000n
const HOUR_NS = 60n * MINUTE_NS

const truckAt = (timeNs: bigint) => ({ device: 'acme.t1', kind: 'truck', timeNs }) as const
const meterAt = (timeNs: bigint) => ({ device: 'acme.m1', kind: 'heat_meter', timeNs }) as const

describe('marks of what the derived series do not show yet', () => {
  let place: MarksPlace
  let clock: ReturnType<typeof createTestClock>
  const thisHour = hourOf(NOW_NS)

  beforeEach(() => {
    clock = createTestClock()
    place = openMarksPlace(clock)
  })
  afterEach(() => place.close())

  it('are the minutes of readings, whenever they come', () => {
    const marker = place.open()
    const times = [NOW_NS, NOW_NS + 1n, NOW_NS - 90n * HOUR_NS, NOW_NS, NOW_NS - MINUTE_NS]
    marker.touched(times.map(truckAt))
    marker.save(1)
    const wanted = [...new Set(times.map(minuteOf))].toSorted((a, b) => a - b)
    expect(place.marked('minute')).toEqual(wanted)
  })

  it('come again for the same minute after each save', () => {
    const marker = place.open()
    for (let n = 0; n < 3; n += 1) {
      marker.touched([truckAt(NOW_NS)])
      marker.save(1)
      expect(place.takeAll('minute', 10)).toHaveLength(1)
    }
  })

  it('stay when more came in while the minute was computed', () => {
    const marker = place.open()
    marker.touched([truckAt(NOW_NS)])
    marker.save(1)
    const limits = { before: Infinity, steps: 10, nowMs: 0 }
    const run = newestRun(place.db, 'minute', limits)
    if (!run) throw new Error('expected a run')
    marker.touched([truckAt(NOW_NS)])
    marker.save(1)
    runDone(place.db, run, null)
    expect(place.marked('minute')).toEqual([minuteOf(NOW_NS)])
  })

  it('are on disk only when saved, and then survive', () => {
    const marker = place.open()
    marker.touched([truckAt(NOW_NS)])
    expect(place.marked('minute')).toEqual([])
    marker.save(1)
    marker.touched([truckAt(NOW_NS - HOUR_NS)])
    // As after kill -9: nothing is closed in order; the journal brings the second reading again.
    const again = place.open()
    expect(place.marked('minute')).toEqual([minuteOf(NOW_NS)])
    again.touched([truckAt(NOW_NS - HOUR_NS)])
    again.save(1)
    expect(place.marked('minute')).toHaveLength(2)
  })

  it('are the minutes of the stages of the platform too', () => {
    const marker = place.open()
    const stages = new StageClock((minute) => marker.touchedMinute(minute))
    stages.at('stored', NOW_NS)(3)
    stages.addCount({ minute: minuteOf(NOW_NS) - 7, stage: 'durable', bucket: 1, n: 1 })
    marker.save(1)
    expect(place.marked('minute')).toEqual([minuteOf(NOW_NS) - 7, minuteOf(NOW_NS)])
    expect(stages.take()).toHaveLength(2)
  })

  it('are every hour of the clock, also those in which the platform did not run', () => {
    const marker = place.open()
    marker.save(1)
    expect(place.marked('hour')).toEqual([thisHour])
    place.takeAll('hour', 10)
    clock.turn(3n * HOUR_NS)
    place.open().save(1)
    expect(place.marked('hour')).toEqual([0, 1, 2, 3].map((n) => thisHour + n))
  })

  it('are the hours from the readings before a register up to it', () => {
    const marker = place.open()
    marker.touched([meterAt(NOW_NS - 5n * HOUR_NS)])
    marker.save(1)
    // From the first reading on every hour has a point.
    expect(place.marked('hour')).toEqual([5, 4, 3, 2, 1, 0].map((n) => thisHour - n))
    place.takeAll('hour', 100)
    marker.touched([meterAt(NOW_NS)])
    marker.save(1)
    expect(place.marked('hour')).toEqual([5, 4, 3, 2, 1, 0].map((n) => thisHour - n))
  })

  it('are all hours that a late register may have to do with', () => {
    const marker = place.open()
    const hours = Array.from({ length: 400 }, (_, n) => meterAt(NOW_NS - BigInt(399 - n) * HOUR_NS))
    marker.touched(hours)
    marker.save(1)
    place.takeAll('hour', 1000)
    marker.touched([meterAt(NOW_NS - 200n * HOUR_NS + 1n)])
    marker.save(1)
    const marked = place.marked('hour')
    expect(marked[0]).toBeLessThanOrEqual(thisHour - 200 - 168)
    expect(marked.at(-1)).toBe(Math.min(thisHour, thisHour - 200 + 169))
    // As a list without holes.
    expect(marked).toHaveLength((marked.at(-1) ?? 0) - (marked[0] ?? 0) + 1)
  })

  it('know the last readings of a meter after a restart', () => {
    const first = place.open()
    first.touched([meterAt(NOW_NS - 9n * HOUR_NS), meterAt(NOW_NS - 8n * HOUR_NS)])
    first.save(1)
    place.takeAll('hour', 100)
    const second = place.open()
    second.touched([meterAt(NOW_NS)])
    second.save(1)
    expect(place.marked('hour')[0]).toBe(thisHour - 9)
  })

  it('are the whole past when the series were never computed, and only then', () => {
    place.open().save(1)
    expect(place.marked('minute')).toEqual([])
    place.db.exec("DELETE FROM progress WHERE key = 'definition'")
    place.open({ hasPast: true })
    expect(place.marked('minute')).toHaveLength(181)
    expect(place.marked('hour')).toHaveLength(4)
    place.takeAll('minute', 1000)
    place.open({ hasPast: true })
    expect(place.marked('minute')).toEqual([])
  })
})
