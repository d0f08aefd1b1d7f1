import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lossOfSeries } from '#lib/kpi/network/loss.ts'
import {
  addRun,
  emptyChannel,
  freezeChannel,
  thawChannel,
  type LossDelta,
  type Place,
} from '#lib/store/loss-runs.ts'

const SEED = process.env['SEED'] ? { seed: Number(process.env['SEED']) } : {}

/** Numbers as devices send them: up, with gaps, repeats, late ones, leaps and new starts. */
const step = fc.oneof(
  { weight: 8, arbitrary: fc.constant(1) },
  { weight: 2, arbitrary: fc.integer({ min: 2, max: 8 }) },
  { weight: 3, arbitrary: fc.integer({ min: -70, max: 0 }) },
  { weight: 1, arbitrary: fc.integer({ min: -1200, max: 1200 }) },
)
const start = fc.constantFrom(0, 1, 40, 700, 5000, 2 ** 32 - 20)
const series = fc.tuple(start, fc.array(step, { maxLength: 150 })).map(([first, steps]) => {
  let at = first
  return steps.map((by) => {
    at = Math.max(0, at + by)
    // Counters of 32 bits begin again.
    if (first > 5000 && at >= 2 ** 32) at -= 2 ** 32
    return at
  })
})

const place: Place = { minute: 1, keys: ['acme.t1', 'truck', null, null, null, null] }

function lossOfRuns(numbers: readonly number[], freeze: boolean): LossDelta {
  const sum = { received: 0, lost: 0, restarts: 0 }
  let channel = emptyChannel()
  for (let at = 0; at < numbers.length;) {
    const from = numbers[at] ?? 0
    let n = 1
    while (numbers[at + n] === from + n) n += 1
    const run = { from, to: from + n - 1, place, live: true }
    channel = addRun(channel, run, (_place, { received = 0, lost = 0, restarts = 0 }) => {
      sum.received += received
      sum.lost += lost
      sum.restarts += restarts
    })
    if (freeze) channel = thawChannel(freezeChannel(channel))
    at += n
  }
  return sum
}

describe('loss of runs', () => {
  it('is that of lib/kpi, number by number', () => {
    fc.assert(
      fc.property(series, fc.boolean(), (numbers, freeze) => {
        const { received, lost, restarts } = lossOfSeries(numbers)
        expect(lossOfRuns(numbers, freeze)).toEqual({ received, lost, restarts })
      }),
      { numRuns: 1000, ...SEED },
    )
  })

  it('is taken away where it was counted when the number arrives', () => {
    const later: Place = { ...place, minute: 9 }
    const seen: [number, Partial<LossDelta>][] = []
    const count = (at: Place, delta: Partial<LossDelta>) => void seen.push([at.minute, delta])
    const gap = addRun(
      addRun(emptyChannel(), { from: 100, to: 110, place, live: true }, count),
      { from: 115, to: 120, place, live: true },
      count,
    )
    seen.length = 0
    addRun(gap, { from: 112, to: 113, place: later, live: true }, count)
    expect(seen).toEqual([
      [9, { received: 2 }],
      [1, { lost: -2 }],
    ])
  })

  it('takes a replayed number for no new start', () => {
    const seen: Partial<LossDelta>[] = []
    const count = (_place: Place, delta: Partial<LossDelta>) => void seen.push(delta)
    const known = addRun(emptyChannel(), { from: 0, to: 500, place, live: true }, count)
    seen.length = 0
    expect(addRun(known, { from: 3, to: 4, place, live: false }, count)).toEqual(known)
    expect(seen).toEqual([])
  })
})
