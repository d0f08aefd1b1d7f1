import { describe, expect, it } from 'vitest'
import { ENERGY_UNITS_J, joulesOfKwh, kwhOfJoules } from '#lib/kpi/heat/energy-unit.ts'
import { registerMeterOf, registerStepJ } from '#lib/kpi/heat/register-meter.ts'

describe('the settings of a meter', () => {
  it('are taken by their documented names', () => {
    const settings = {
      maxPowerKw: 500,
      registerDigits: 7,
      energyUnit: 'MWh',
      registerStep: 0.01,
      role: 'handoff',
    }
    expect(registerMeterOf(settings)).toEqual({
      maxPowerKw: 500,
      registerDigits: 7,
      energyUnit: 'MWh',
      registerStep: 0.01,
    })
  })

  it.each([
    {},
    { maxPowerKw: 0, registerDigits: 6.5, energyUnit: 'kwh', registerStep: -1 },
    { maxPowerKw: '10', registerDigits: 99, energyUnit: 'toString', registerStep: NaN },
  ])('%j counts as unknown', (settings) => {
    expect(registerMeterOf(settings)).toEqual({
      maxPowerKw: null,
      registerDigits: null,
      energyUnit: null,
      registerStep: null,
    })
  })

  it.each([
    [{}, 1],
    [{ energyUnit: 'MWh' }, 1],
    [{ energyUnit: 'MWh', registerStep: 1 }, 1000],
    [{ energyUnit: 'GJ' }, 1 / 3.6],
    [{ energyUnit: 'GJ', registerStep: 0.01 }, 10 / 3.6],
  ])('%j has a register step of %d kWh', (settings, stepKwh) => {
    expect(kwhOfJoules(registerStepJ(registerMeterOf(settings)))).toBeCloseTo(stepKwh, 9)
  })
})

describe('units of energy', () => {
  it('are those of docs/domain.md 3.2', () => {
    const kwh = Object.entries(ENERGY_UNITS_J).map(([unit, joules]) => [unit, kwhOfJoules(joules)])
    expect(Object.fromEntries(kwh)).toEqual({
      Wh: 0.001,
      kWh: 1,
      MWh: 1000,
      GWh: 1_000_000,
      MJ: expect.closeTo(1 / 3.6, 12),
      GJ: expect.closeTo(277.7778, 4),
      Gcal: 1163,
    })
  })

  it('hold a register to the joule, also the largest one', () => {
    expect(joulesOfKwh(44_922.222222)).toBe(161_719_999_999n)
    expect(joulesOfKwh(1e11)).toBe(360_000_000_000_000_000n)
    expect(joulesOfKwh(NaN)).toBeNull()
    expect(joulesOfKwh(Infinity)).toBeNull()
  })
})
