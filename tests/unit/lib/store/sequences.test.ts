import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addRun, createSequence, type LossCounts } from '#lib/kpi/network/loss.ts'
import type { MinuteKey } from '#lib/store/figure-keys.ts'
import { formatSequence, parseSequence } from '#lib/store/sequences.ts'
import { lossOfSeries } from '../../../support/loss-of-series.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

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
    // Counters of 32 bits begin again at 0.
    if (first > 5000 && at >= 2 ** 32) at -= 2 ** 32
    return at
  })
})

const key: MinuteKey = { minute: 1, keys: ['acme.t1', 'truck', null, null, null, null] }

function lossOfRuns(numbers: readonly number[], save: boolean): LossCounts {
  const sum = { received: 0, lost: 0, restarts: 0 }
  let channel = createSequence<MinuteKey>()
  for (let at = 0; at < numbers.length;) {
    const from = numbers[at] ?? 0
    let n = 1
    while (numbers[at + n] === from + n) n += 1
    const run = { from, to: from + n - 1, key, live: true }
    channel = addRun(channel, run, (_key, { received = 0, lost = 0, restarts = 0 }) => {
      sum.received += received
      sum.lost += lost
      sum.restarts += restarts
    })
    if (save) channel = parseSequence(formatSequence(channel))
    at += n
  }
  return sum
}

describe('loss of runs of sequence numbers', () => {
  it('is that of its messages one by one, also when it was saved in between', () => {
    fc.assert(
      fc.property(series, fc.boolean(), (numbers, save) => {
        const { received, lost, restarts } = lossOfSeries(numbers)
        expect(lossOfRuns(numbers, save)).toEqual({ received, lost, restarts })
      }),
      propertyRuns(1000),
    )
  })

  it('is taken away where it was counted, once the number arrives', () => {
    const later: MinuteKey = { ...key, minute: 9 }
    const seen: [number, Partial<LossCounts>][] = []
    const count = (at: MinuteKey, delta: Partial<LossCounts>) => void seen.push([at.minute, delta])
    const gap = addRun(
      addRun(createSequence<MinuteKey>(), { from: 100, to: 110, key, live: true }, count),
      { from: 115, to: 120, key, live: true },
      count,
    )
    seen.length = 0
    addRun(gap, { from: 112, to: 113, key: later, live: true }, count)
    expect(seen).toEqual([
      [9, { received: 2 }],
      [1, { lost: -2 }],
    ])
  })

  it('does not count a replayed number as a new start', () => {
    const seen: Partial<LossCounts>[] = []
    const count = (_key: MinuteKey, delta: Partial<LossCounts>) => void seen.push(delta)
    const known = addRun(createSequence<MinuteKey>(), { from: 0, to: 500, key, live: true }, count)
    seen.length = 0
    expect(addRun(known, { from: 3, to: 4, key, live: false }, count)).toEqual(known)
    expect(seen).toEqual([])
  })
})
