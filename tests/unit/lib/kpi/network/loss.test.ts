import { describe, expect, it } from 'vitest'
import { addLossSample, createLossState, type LossState } from '#lib/kpi/network/loss.ts'
import { lossOfSeries } from '../../../../support/loss-of-series.ts'

const fold = (sequence: readonly number[]): LossState =>
  sequence.reduce((state, seq) => addLossSample(state, seq), createLossState())

const series = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at)

describe('loss from sequence numbers', () => {
  it('is nothing of nothing: no ratio rather than zero', () => {
    expect(lossOfSeries([])).toMatchObject({ expected: 0, received: 0, lost: 0, lossRatio: null })
  })

  it('is none in an unbroken run, wherever it begins', () => {
    expect(lossOfSeries(series(5000, 5099))).toMatchObject({ received: 100, lost: 0, lossRatio: 0 })
  })

  it('counts the messages missing in a gap', () => {
    expect(lossOfSeries([1, 2, 3, 6, 7, 10])).toMatchObject({
      expected: 10,
      received: 6,
      lost: 4,
      lossRatio: 0.4,
    })
  })

  it('lets a late arrival fill its gap again, at either end and in the middle', () => {
    const state = fold([1, 7, 4])
    expect(state).toMatchObject({
      lost: 4,
      reordered: 1,
      gaps: [
        [2, 3, null],
        [5, 6, null],
      ],
    })
    expect(fold([1, 7, 4, 2, 6, 3, 5])).toMatchObject({ lost: 0, received: 7, gaps: [] })
  })

  it('takes a message that overtook the very first one for late, not for a restart', () => {
    expect(lossOfSeries([3, 1, 0, 2, 4])).toMatchObject({ received: 5, lost: 0, restarts: 0 })
    expect(lossOfSeries([3, 0, 4])).toMatchObject({ received: 3, lost: 2, restarts: 0 })
  })

  it('counts a restart of the device, and no loss for it', () => {
    const sequence = [...series(1, 500), ...series(0, 40), ...series(0, 3)]
    expect(lossOfSeries(sequence)).toMatchObject({ received: 545, lost: 0, restarts: 2 })
  })

  it('keeps what was lost before a restart', () => {
    const sequence = [...series(0, 200), 205, ...series(0, 9)]
    expect(lossOfSeries(sequence)).toMatchObject({ lost: 4, restarts: 1 })
  })

  it('does not count the same number again', () => {
    expect(lossOfSeries([3, 3, 4])).toMatchObject({ received: 2, lost: 0, restarts: 0 })
    expect(lossOfSeries([100, 101, 101, 102, 101, 103])).toMatchObject({ received: 4, lost: 0 })
  })

  it('takes a leap of 1000 for a new start and less for loss (docs/domain.md 1.2)', () => {
    expect(lossOfSeries([1, 1000])).toMatchObject({ lost: 998, restarts: 0 })
    expect(lossOfSeries([1, 1001])).toMatchObject({ lost: 0, restarts: 1 })
  })

  it('continues when 32 bits wrap around', () => {
    const end = 2 ** 32 - 1
    expect(lossOfSeries([end - 1, end, 0, 1])).toMatchObject({ lost: 0, restarts: 0 })
    expect(lossOfSeries([end - 1, 1])).toMatchObject({ lost: 2, restarts: 0 })
  })

  it('holds the largest numbers a device may send', () => {
    const end = Number.MAX_SAFE_INTEGER
    expect(lossOfSeries([end - 3, end - 2, end])).toMatchObject({ received: 3, lost: 1 })
  })

  it('keeps its state small whatever a device sends', () => {
    const everyOther = fold(series(0, 5000).map((n) => n * 2))
    expect(everyOther.gaps.length).toBeLessThanOrEqual(64)
    expect(everyOther.lost).toBe(5000)
    const downwards = fold(series(0, 5000).map((n) => 1_000_000 - n * 2))
    expect(downwards.gaps.length).toBeLessThanOrEqual(64)
  })

  it('survives JSON', () => {
    const state = fold([1, 5, 9])
    const revived: LossState = JSON.parse(JSON.stringify(state))
    expect(addLossSample(revived, 3)).toEqual(addLossSample(state, 3))
  })
})
