import { describe, expect, it } from 'vitest'
import {
  heatCoefficient,
  heatPowerKw,
  impliedCoefficient,
  meanTemperatures,
} from '#lib/kpi/heat/heat-coefficient.ts'
import { waterAt } from '#lib/kpi/heat/water.ts'

describe('water of IAPWS-IF97 region 1', () => {
  it.each([
    [300, 3, 0.00100215168, 115.331273],
    [300, 80, 0.000971180894, 184.142828],
    [500, 3, 0.001202418, 975.542239],
  ])('at %d K and %d MPa is that of the verification table', (kelvin, mpa, volume, enthalpy) => {
    const water = waterAt(kelvin, mpa)
    expect(water.volumeM3Kg).toBeCloseTo(volume, 11)
    expect(water.enthalpyKjKg).toBeCloseTo(enthalpy, 6)
  })

  it.each([
    [20, 998.8906],
    [30, 996.3175],
    [70, 978.4378],
    [95, 962.5867],
  ])('has its density at %d C and 16 bar', (celsius, density) => {
    expect(1 / waterAt(celsius + 273.15, 1.6).volumeM3Kg).toBeCloseTo(density, 4)
  })
})

/** The table of docs/domain.md 3.2: three independent implementations agree on it. */
const TABLE = `
  50 20 4.12889 4.17146 1.14691 1.15874
  55 25 4.11879 4.16624 1.14411 1.15729
  60 30 4.10865 4.16066 1.14129 1.15574
  60 40 4.10905 4.14671 1.14140 1.15186
  65 35 4.09845 4.15475 1.13846 1.15410
  70 30 4.08744 4.16213 1.13540 1.15615
  70 40 4.08819 4.14853 1.13561 1.15237
  80 40 4.06572 4.15103 1.12937 1.15306
  90 50 4.04386 4.13887 1.12329 1.14969
  95 45 4.03030 4.14874 1.11953 1.15243
  100 50 4.01882 4.14304 1.11634 1.15084
  110 60 3.99584 4.13109 1.10996 1.14753
  130 50 3.93600 4.15973 1.09333 1.15548
  35 25 4.15396 4.16659 1.15388 1.15739
  45 35 4.13687 4.15283 1.14913 1.15356
  20 10 4.17970 4.18608 1.16103 1.16280
  12 6 4.19233 4.19429 1.16454 1.16508`

const ROWS = TABLE.trim()
  .split('\n')
  .map((line) => line.trim().split(' ').map(Number))

describe('the heat coefficient', () => {
  it.each(ROWS)('of %d/%d C is that of the table to all its digits', (...row) => {
    const [tFlowC = NaN, tReturnC = NaN, flowMj, returnMj, flowKwh, returnKwh] = row
    const flow = heatCoefficient({ tFlowC, tReturnC, flowSensor: 'flow' })!
    const back = heatCoefficient({ tFlowC, tReturnC, flowSensor: 'return' })!
    const digits = [flow, back].map((value) => (value * 3.6).toFixed(5))
    expect(digits).toEqual([flowMj, returnMj].map((value) => value?.toFixed(5)))
    // The columns in kWh were made from the rounded ones in MJ: 80/40 and 35/25 show it.
    expect(digits.map((mj) => (Number(mj) / 3.6).toFixed(5))).toEqual(
      [flowKwh, returnKwh].map((value) => value?.toFixed(5)),
    )
  })

  it('is below the 1.163 of cold water by as much as docs/domain.md 3.2 says', () => {
    const at = { tFlowC: 70, tReturnC: 40 }
    expect(1.163 / heatCoefficient({ ...at, flowSensor: 'flow' })! - 1).toBeCloseTo(0.024, 3)
    expect(1.163 / heatCoefficient({ ...at, flowSensor: 'return' })! - 1).toBeCloseTo(0.009, 3)
  })

  it('goes over equal temperatures without a step', () => {
    const at = (tReturnC: number) => heatCoefficient({ tFlowC: 60, tReturnC, flowSensor: 'flow' })!
    expect(at(60)).toBeCloseTo(at(59.9), 4)
    expect(at(60)).toBeCloseTo(at(60.1), 4)
    expect(at(60.0000001)).toBeCloseTo(at(59.9), 4)
  })

  it.each([
    [-1, 20],
    [190, 60],
    [60, NaN],
  ])('is none at %d/%d C, where there is no liquid water', (tFlowC, tReturnC) => {
    expect(heatCoefficient({ tFlowC, tReturnC, flowSensor: 'flow' })).toBeNull()
  })
})

describe('power from flow and temperatures', () => {
  it.each([
    { flowM3h: 13.16, tFlowC: 81.37, tReturnC: 44.31, flowSensor: 'return', kw: 561.5, digits: 1 },
    { flowM3h: 4.19, tFlowC: 75.8, tReturnC: 37.6, flowSensor: 'return', kw: 184.7, digits: 1 },
    { flowM3h: 0.285, tFlowC: 40.67, tReturnC: 31.14, flowSensor: 'return', kw: 3.137, digits: 2 },
    { flowM3h: 1.299, tFlowC: 41.23, tReturnC: 40, flowSensor: 'flow', kw: 1.84, digits: 1 },
  ] as const)('$flowM3h m3/h at $tFlowC/$tReturnC C gives $kw kW', ({ flowM3h, kw, ...rest }) => {
    expect(heatPowerKw(flowM3h, rest)).toBeCloseTo(kw, rest.digits)
  })

  it('is zero without a difference and negative backwards', () => {
    expect(heatPowerKw(5, { tFlowC: 60, tReturnC: 60, flowSensor: 'flow' })).toBe(0)
    expect(heatPowerKw(5, { tFlowC: 50, tReturnC: 60, flowSensor: 'flow' })).toBeLessThan(0)
    expect(heatPowerKw(5, { tFlowC: -20, tReturnC: 60, flowSensor: 'flow' })).toBeNull()
  })
})

describe('figures from E8 and E9', () => {
  /** A year of 1000 m3 at 70/40 C. */
  const deltas = { energyKwh: 34_068.3, volumeM3: 1000, e8M3c: 70_000, e9M3c: 40_000 }

  it('are the mean temperatures and the coefficient of the meter', () => {
    expect(meanTemperatures(deltas)).toEqual({ tFlowC: 70, tReturnC: 40 })
    expect(impliedCoefficient(deltas)).toBeCloseTo(1.13561, 5)
  })

  it('are none where no water flowed', () => {
    expect(meanTemperatures({ volumeM3: 0, e8M3c: 0, e9M3c: 0 })).toBeNull()
    expect(impliedCoefficient({ energyKwh: 0, e8M3c: 0, e9M3c: 0 })).toBeNull()
  })
})
