import { describe, expect, it } from 'vitest'
import { groupHeat, type PointHeat } from '#lib/kpi/heat/heat-groups.ts'
import { heatIntervals } from '#lib/kpi/heat/heat-intervals.ts'
import { heatFigures, heatPieces, mergeHeat } from '#lib/kpi/heat/recovered-heat.ts'
import type { RegisterReading } from '#lib/kpi/heat/register-moments.ts'

const START_NS = 1_700_006_400_000_000_000n
const METER = { maxPowerKw: 10, registerDigits: 7 }

const nsAt = (hour: number) => START_NS + BigInt(Math.round(hour * 3600)) * 1_000_000_000n
const span = (from: number, to: number) => ({ fromNs: nsAt(from), toNs: nsAt(to) })
const hours = (to: number) => [...Array(to).keys()].map((hour) => span(hour, hour + 1))

function at(hour: number, energyKwh: number, more: Partial<RegisterReading> = {}): RegisterReading {
  return { timeNs: nsAt(hour), energyKwh, meterId: null, flags: [], ...more }
}

const piecesOf = (readings: readonly RegisterReading[], buckets = hours(4)) =>
  heatPieces(heatIntervals(readings, METER), buckets)

const figuresOf = (readings: readonly RegisterReading[], buckets = hours(4)) =>
  piecesOf(readings, buckets).map((piece, index) =>
    heatFigures([{ piece, meter: METER }], buckets[index]!),
  )

describe('heat per bucket', () => {
  it('is the difference of the registers at its ends', () => {
    const figures = figuresOf([at(0, 100), at(1, 104), at(2, 104), at(3, 110), at(4, 111)])
    expect(figures.map(({ energyKwh }) => energyKwh)).toEqual([4, 0, 6, 1])
    expect(figures[0]).toEqual({
      energyKwh: 4,
      bridgedKwh: 0,
      resolutionKwh: 1,
      coverage: 1,
      isProvisional: false,
      intervals: { measured: 1, bridged: 0, missing: 0, excluded: 0 },
      unit: 'kWh',
      method: 'register difference',
    })
  })

  it('takes the nearest reading where none was made at the end', () => {
    // Read at 50 past: the register of 00:50 counts for 01:00, that of 01:50 for 02:00.
    const readings = [at(-0.17, 100), at(0.83, 104), at(1.83, 109), at(2.83, 111), at(3.83, 118)]
    const figures = figuresOf(readings)
    expect(figures.map(({ energyKwh }) => energyKwh)).toEqual([4, 5, 2, 7])
    expect(figures.map(({ coverage }) => coverage)).toEqual([1, 1, 1, expect.closeTo(0.83, 9)])
  })

  it('does not lose an hour whose readings come a little early and a little late', () => {
    const readings = [at(0, 100), at(0.999, 104), at(2.001, 109), at(3, 111)]
    expect(figuresOf(readings, hours(3)).map(({ energyKwh }) => energyKwh)).toEqual([4, 5, 2])
  })

  it('puts the energy of a gap whole where its middle is, and covers none of it', () => {
    const figures = figuresOf([at(0, 100), at(1, 104), at(3.5, 121), at(4, 123)])
    expect(figures.map(({ energyKwh }) => energyKwh)).toEqual([4, null, 17, 2])
    expect(figures.map(({ bridgedKwh }) => bridgedKwh)).toEqual([0, 0, 17, 0])
    expect(figures.map(({ coverage }) => coverage)).toEqual([1, 0, 0, 0.5])
    expect(figures[2]?.intervals).toEqual({ measured: 0, bridged: 1, missing: 0, excluded: 0 })
    expect(figures[2]?.isProvisional).toBe(true)
  })

  it('is null without readings, never zero', () => {
    const [figure] = figuresOf([], hours(1))
    expect(figure).toMatchObject({
      energyKwh: null,
      resolutionKwh: null,
      coverage: 0,
      intervals: { measured: 0, bridged: 0, missing: 1, excluded: 0 },
    })
  })

  it('shows time before the first and after the last reading as missing', () => {
    const [figure] = figuresOf([at(1, 100), at(2, 104), at(3, 108)], [span(0, 4)])
    expect(figure).toMatchObject({ energyKwh: 8, coverage: 0.5 })
    expect(figure?.intervals).toEqual({ measured: 2, bridged: 0, missing: 1, excluded: 0 })
  })

  it('counts a reading that was left out as excluded', () => {
    const [figure] = figuresOf([at(0, 100), at(1, 9000), at(2, 109), at(4, 117)], [span(0, 4)])
    expect(figure).toMatchObject({ energyKwh: 17, bridgedKwh: 17, coverage: 0 })
    expect(figure?.intervals).toEqual({ measured: 0, bridged: 2, missing: 0, excluded: 1 })
  })

  it('is true within one step for each unbroken run of the register', () => {
    const [whole] = figuresOf([at(0, 100), at(1, 104), at(2, 108)], [span(0, 2)])
    expect(whole?.resolutionKwh).toBe(1)
    const [reset] = figuresOf([at(0, 100), at(1, 104), at(2, 1), at(3, 4)], [span(0, 3)])
    expect(reset).toMatchObject({ energyKwh: 7, resolutionKwh: 2 })
  })

  it('knows an exchange that took no time, at the very edge of a bucket', () => {
    const [old, fresh] = [{ meterId: 'a' }, { meterId: 'b' }]
    const readings = [at(0, 100, old), at(1, 104, old), at(1, 7, fresh), at(2, 9, fresh)]
    const figures = figuresOf(readings, hours(2))
    expect(figures.map(({ energyKwh, coverage }) => [energyKwh, coverage])).toEqual([
      [4, 1],
      [2, 1],
    ])
    expect(figures.map(({ intervals }) => intervals.missing)).toEqual([0, 1])
  })

  it('comes out of stored pieces of hours as if computed at once', () => {
    const readings = [at(0, 100), at(1, 104), at(1.6, 3), at(2, 5), at(3.4, 18), at(4, 20)]
    const [whole] = piecesOf(readings, [span(0, 4)])
    expect(mergeHeat(...piecesOf(readings).toReversed())).toEqual(whole)
  })
})

describe('groups of heat', () => {
  const labels = { town: 'Padborg', dataCentre: 'dc1' }
  const bucket = span(0, 2)
  const [full] = piecesOf([at(0, 100), at(1, 104), at(2, 108)], [bucket])
  const [half] = piecesOf([at(0, 0.1), at(1, 0.3)], [bucket])
  const [none] = piecesOf([], [bucket])
  const point = (boundary: PointHeat['boundary'], piece = full!): PointHeat => ({
    boundary,
    labels,
    bucket,
    piece,
    meter: METER,
  })

  it('never add the hand-off to the delivered heat, in any grouping', () => {
    const rows = [point('handoff'), point('delivered'), point('handoff')]
    for (const by of [[], ['town'], ['dataCentre', 'town'], ['unknown']]) {
      const groups = groupHeat(rows, by)
      expect(groups.map(({ boundary, figures }) => [boundary, figures.energyKwh])).toEqual([
        ['handoff', 16],
        ['delivered', 8],
      ])
    }
  })

  it('add energies and resolutions, and take the mean of the coverage', () => {
    const [group] = groupHeat(
      [point('handoff'), point('handoff', half), point('handoff', none)],
      [],
    )
    expect(group).toMatchObject({
      points: 3,
      figures: {
        energyKwh: 8.2,
        resolutionKwh: 2,
        coverage: 0.5,
        intervals: { measured: 3, bridged: 0, missing: 2, excluded: 0 },
      },
    })
  })

  it('are null only where no point knows an energy', () => {
    const [group] = groupHeat([point('handoff', none), point('handoff', none)], ['town'])
    expect(group).toMatchObject({ labels: { town: 'Padborg' }, figures: { energyKwh: null } })
  })

  it('keep groups and buckets apart', () => {
    const other = { ...point('handoff'), labels: { town: 'Tinglev', dataCentre: 'dc1' } }
    const later = { ...point('handoff'), bucket: span(2, 4) }
    const groups = groupHeat([point('handoff'), other, later], ['town'])
    expect(groups.map((group) => [group.labels['town'], group.bucket.fromNs])).toEqual([
      ['Padborg', nsAt(0)],
      ['Tinglev', nsAt(0)],
      ['Padborg', nsAt(2)],
    ])
  })
})
