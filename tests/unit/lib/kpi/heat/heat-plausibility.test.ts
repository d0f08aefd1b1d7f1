import { describe, expect, it } from 'vitest'
import {
  checkEnergyPerVolume,
  checkPower,
  checkTemperatures,
} from '#lib/kpi/heat/heat-plausibility.ts'

describe('the check of a shown power', () => {
  const real = { volumeFlowM3h: 13.16, tFlowC: 81.37, tReturnC: 44.31, displayStepKw: 1 }

  it('agrees with a real meter in the return', () => {
    expect(checkPower({ ...real, powerKw: 560, flowSensor: 'return' })).toMatchObject({
      expectedKw: expect.closeTo(561.5, 1),
      allowedKw: expect.closeTo(11.23, 2),
      verdict: 'plausible',
    })
  })

  it('finds a power that flow and temperatures do not give', () => {
    expect(checkPower({ ...real, powerKw: 575, flowSensor: 'return' })?.verdict).toBe('implausible')
  })

  it('allows for the error of the sensors where the difference is small', () => {
    // 0.1 K of 12 K is no more than 2 %; of 3 K it is: 0.1 * 10 * 1.15 = 1.15 kW.
    const small = { volumeFlowM3h: 10, tFlowC: 33, tReturnC: 30, displayStepKw: 0.1 }
    const check = checkPower({ ...small, powerKw: 35.5, flowSensor: 'flow' })
    expect(check).toMatchObject({ allowedKw: expect.closeTo(1.155, 2), verdict: 'plausible' })
  })

  it('only informs below 10 K: 1.299 m3/h at 1.23 K of a Multical 303 that shows 2.1 kW', () => {
    const low = { volumeFlowM3h: 1.299, tFlowC: 41.23, tReturnC: 40, displayStepKw: 0.1 }
    const check = checkPower({ ...low, powerKw: 2.1, flowSensor: 'flow' })
    expect(check?.verdict).toBe('information')
  })

  it('has no opinion outside the range of water', () => {
    expect(checkPower({ ...real, tFlowC: 200, powerKw: 1, flowSensor: 'flow' })).toBeNull()
  })
})

describe('energy per volume', () => {
  it.each([
    [44_922.2, 1517.6, 'plausible'],
    [161.72, 1517.6, 'implausible'],
    [1000, 1000, 'plausible'],
    [1e6, 100, 'implausible'],
  ] as const)('%d kWh over %d m3 is %s', (energyKwh, volumeM3, verdict) => {
    expect(checkEnergyPerVolume(energyKwh, volumeM3)?.verdict).toBe(verdict)
  })

  it('is none without a volume', () => {
    expect(checkEnergyPerVolume(5, 0)).toBeNull()
  })
})

describe('temperatures of a heat meter', () => {
  it.each([
    [70, 40, 'plausible'],
    [40, 40.48, 'plausible'],
    [40, 41, 'plausible'],
    [40, 41.5, 'implausible'],
    [185, 60, 'implausible'],
    [60, NaN, 'implausible'],
  ] as const)('%d/%d C are %s', (tFlowC, tReturnC, verdict) => {
    expect(checkTemperatures(tFlowC, tReturnC)).toBe(verdict)
  })
})
