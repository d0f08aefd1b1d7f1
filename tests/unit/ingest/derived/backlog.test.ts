import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBacklog, type BacklogOptions } from '../../../../ingest/derived/backlog.ts'
import { markAgain, newestRun } from '../../../../ingest/derived/due.ts'
import {
  NOW_NS,
  createTestClock,
  minuteOf,
  openMarksPlace,
  type MarksPlace,
} from './marks-fixture.ts'

const MINUTE_NS = 60_000_000_000n

describe('the backlog', () => {
  let place: MarksPlace
  const clock = createTestClock()
  const now = minuteOf(NOW_NS)

  beforeEach(() => {
    place = openMarksPlace(clock)
    place.open()
  })
  afterEach(() => place.close())

  const mark = (...agoMinutes: number[]) => {
    for (const ago of agoMinutes) {
      const atNs = NOW_NS - BigInt(ago) * MINUTE_NS
      markAgain(place.db, 'minute', { fromNs: atNs, toNs: atNs })
    }
  }
  const backlogWith = (more: Partial<BacklogOptions> = {}) =>
    createBacklog(place.db, 'minute', {
      graceNs: 0n,
      maxPoints: 1000,
      maxSteps: 60,
      secondLookNs: null,
      ...more,
    })

  it('has an interval only when it is over and its grace time has passed', () => {
    mark(0, 1, 2)
    expect(backlogWith().next(NOW_NS)).toMatchObject({ to: now - 1 })
    expect(backlogWith({ graceNs: MINUTE_NS }).next(NOW_NS)).toMatchObject({ to: now - 2 })
    expect(backlogWith({ graceNs: 9n * MINUTE_NS }).next(NOW_NS)).toBeNull()
  })

  it('puts marks that are near to one another into one run, within its limit', () => {
    mark(1, 2, 4, 9, 30)
    const runOf = (steps: number) =>
      newestRun(place.db, 'minute', { before: now, steps, nowMs: Number(NOW_NS / 1_000_000n) })
    expect(runOf(60)).toMatchObject({ from: now - 9, to: now - 1 })
    expect(runOf(5)).toMatchObject({ from: now - 4, to: now - 1 })
    expect(runOf(1)).toMatchObject({ from: now - 1, to: now - 1 })
  })

  it('works through everything, the newest first', () => {
    mark(...Array.from({ length: 500 }, (_, n) => n + 1))
    const backlog = backlogWith()
    const ends: number[] = []
    for (let run = backlog.next(NOW_NS); run; run = backlog.next(NOW_NS)) {
      ends.push(run.to)
      backlog.done(run, 10, NOW_NS)
    }
    expect(ends).toEqual(ends.toSorted((a, b) => b - a))
    expect(ends[0]).toBe(now - 1)
    expect(place.marked('minute')).toEqual([])
    // By doubling up to an hour: eight questions and not five hundred.
    expect(ends.length).toBeLessThan(20)
  })

  it('reaches the oldest although new marks come all the time', () => {
    mark(...Array.from({ length: 300 }, (_, n) => n + 1))
    const backlog = backlogWith({ maxSteps: 10 })
    let turns = 0
    while (place.marked('minute').includes(now - 300)) {
      const run = backlog.next(NOW_NS)
      if (!run) throw new Error('expected a run')
      backlog.done(run, 10, NOW_NS)
      mark(1, 2, 3)
      turns += 1
      expect(turns).toBeLessThan(100)
    }
  })

  it('keeps a run within its points, and halves one that was too much', () => {
    mark(...Array.from({ length: 500 }, (_, n) => n + 1))
    const backlog = backlogWith({ maxPoints: 1000 })
    const lengthOf = () => {
      const run = backlog.next(NOW_NS)
      if (!run) throw new Error('expected a run')
      return { run, length: run.to - run.from + 1 }
    }
    for (let n = 0; n < 8; n += 1) {
      const { run, length } = lengthOf()
      backlog.done(run, length * 100, NOW_NS)
    }
    expect(lengthOf().length).toBe(10)
    expect(backlog.shrink(lengthOf().run)).toBe(true)
    expect(lengthOf().length).toBe(5)
    for (let n = 0; n < 2; n += 1) backlog.shrink(lengthOf().run)
    expect(lengthOf().length).toBe(1)
    expect(backlog.shrink(lengthOf().run)).toBe(false)
  })

  it('computes a run twice where others write too, and not three times', () => {
    mark(1)
    const backlog = backlogWith({ secondLookNs: 2n * MINUTE_NS })
    const take = (nowNs: bigint) => {
      const run = backlog.next(nowNs)
      if (run) backlog.done(run, 1, nowNs)
      return run !== null
    }
    expect(take(NOW_NS)).toBe(true)
    expect(take(NOW_NS + MINUTE_NS)).toBe(false)
    expect(backlog.waiting(NOW_NS + MINUTE_NS)).toBe(0)
    expect(take(NOW_NS + 3n * MINUTE_NS)).toBe(true)
    expect(take(NOW_NS + 30n * MINUTE_NS)).toBe(false)
    expect(place.marked('minute')).toEqual([])
  })
})
