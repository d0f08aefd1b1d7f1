import { describe, expect, it } from 'vitest'
import { randomOf } from '../../../simulators/models/chance.ts'
import { stepEnergyMeter } from '../../../simulators/models/energy-meter.ts'
import {
  REGISTERS,
  createHeatMeterStep,
  heatCoefficient,
} from '../../../simulators/models/heat-meter.ts'
import { createPlantStep, startPlant, type Plant } from '../../../simulators/models/heat-plant.ts'
import { startWeather, stepWeather, usualC } from '../../../simulators/models/weather.ts'

const SEED = Number(process.env['SEED'] ?? 7)
const HOUR_MS = 3_600_000
const T0 = Date.UTC(2026, 0, 1)

const PLANT: Plant = {
  id: 'dc',
  itKw: 10_000,
  pue: 1.2,
  cop: 4,
  loss: 0.06,
  towns: [
    { id: 'A', at0CKw: 4000 },
    { id: 'B', at0CKw: 1500 },
  ],
}

describe(`the heat plant (SEED=${SEED})`, () => {
  it('is in balance at every moment of a year: Q2 = Q1 + W, and no more heat than power', () => {
    for (const { output } of year()) {
      const delivered = output.towns.reduce((sum, { powerKw }) => sum + powerKw, 0)
      expect(output.handoffKw + output.heatPumpKw).toBeCloseTo(delivered / (1 - PLANT.loss), 6)
      expect(output.handoffKw).toBeLessThan(output.totalKw)
      expect(output.totalKw).toBeGreaterThan(output.itKw)
      for (const { powerKw, tFlowC, tReturnC } of output.towns) {
        expect(powerKw).toBeGreaterThan(0)
        expect(tFlowC - tReturnC).toBeGreaterThan(15)
      }
    }
  })

  it('delivers more in winter than in summer, and follows the weather', () => {
    const hours = year()
    const mean = (from: number, to: number) => {
      const part = hours.slice(from * 24, to * 24)
      return (
        part.reduce((sum, { output }) => sum + (output.towns[0]?.powerKw ?? 0), 0) / part.length
      )
    }
    expect(mean(0, 60)).toBeGreaterThan(2.5 * mean(170, 230))
    expect(usualC(Date.UTC(2026, 0, 27, 3))).toBeLessThan(1)
    expect(usualC(Date.UTC(2026, 6, 27, 14))).toBeGreaterThan(17)
  })
})

describe(`the heat meter (SEED=${SEED})`, () => {
  for (const [name, register] of Object.entries(REGISTERS)) {
    it(`counts energy, volume and temperatures that are consistent within 1 % (${name})`, () => {
      const step = createHeatMeterStep(register)
      const random = randomOf(SEED, name)
      let state = { energyKwh: 1e6, volumeM3: 3e4, e8M3c: 2e6, e9M3c: 1e6, hoursH: 10 }
      const outputs = year().map(({ output }) => {
        const next = step(state, output.towns[0] ?? never(), HOUR_MS, random)
        state = next.state
        return next.output
      })
      const [first, last] = [outputs[0] ?? never(), outputs.at(-1) ?? never()]
      const volume = last.volumeM3 - first.volumeM3
      const [flow, back] = [last.e8M3c - first.e8M3c, last.e9M3c - first.e9M3c]
      const k = heatCoefficient(back / volume)
      const energy = last.energyKwh - first.energyKwh
      expect(Math.abs(energy / ((flow - back) * k) - 1)).toBeLessThan(0.01)
      for (const [at, output] of outputs.entries()) {
        const before = outputs[at - 1] ?? output
        expect(output.energyKwh).toBeGreaterThanOrEqual(before.energyKwh)
        expect(output.volumeM3).toBeGreaterThanOrEqual(before.volumeM3)
        expect(output.e8M3c).toBeGreaterThanOrEqual(before.e8M3c)
        expect(output.e9M3c).toBeGreaterThanOrEqual(before.e9M3c)
      }
    })
  }

  it('shows registers in the steps of its unit', () => {
    const shown = (register: (typeof REGISTERS)[keyof typeof REGISTERS]) => {
      const state = { energyKwh: 12_345.678, volumeM3: 1.239, e8M3c: 5.9, e9M3c: 1, hoursH: 2.5 }
      const input = { powerKw: 0, tFlowC: 70.004, tReturnC: 40 }
      return createHeatMeterStep(register)(state, input, 0, randomOf(SEED, 'x')).output
    }
    expect(shown(REGISTERS.kwh)).toMatchObject({
      energyKwh: 12_345,
      volumeM3: 1.23,
      e8M3c: 5,
      tFlowC: 70,
      operatingHoursH: 2,
    })
    expect(shown(REGISTERS.mwh).energyKwh).toBe(12_340)
    // 44.444 GJ in kWh with six decimals.
    expect(shown(REGISTERS.gj).energyKwh).toBe(12_345.555556)
  })

  it('has the heat coefficient of IAPWS-IF97 within 0.2 % (docs/domain.md 3.2)', () => {
    const table = [
      [20, 1.15874],
      [30, 1.15574],
      [40, 1.15237],
      [50, 1.14969],
      [25, 1.15739],
    ] as const
    for (const [returnC, k] of table) {
      expect(Math.abs(heatCoefficient(returnC) / k - 1)).toBeLessThan(0.002)
    }
  })
})

describe('the energy meter', () => {
  it('counts energy in whole kWh', () => {
    const random = randomOf(SEED, 'energy')
    let state = { energyKwh: 0 }
    let shown = 0
    for (let hour = 0; hour < 100; hour += 1) {
      const next = stepEnergyMeter(state, { powerKw: 12.34 }, HOUR_MS, random)
      state = next.state
      expect(next.output.energyKwh).toBeGreaterThanOrEqual(shown)
      shown = next.output.energyKwh
    }
    expect(shown).toBe(1234)
  })
})

function year() {
  const step = createPlantStep(PLANT)
  const [random, weatherRandom] = [randomOf(SEED, 'plant'), randomOf(SEED, 'weather')]
  let plant = startPlant(PLANT)
  let weather = startWeather()
  return Array.from({ length: 365 * 24 }, (_, hour) => {
    const atMs = T0 + hour * HOUR_MS
    const air = stepWeather(weather, { atMs }, HOUR_MS, weatherRandom)
    weather = air.state
    const input = { atMs, hourOfDay: hour % 24, ambientC: air.output }
    const next = step(plant, input, HOUR_MS, random)
    plant = next.state
    return next
  })
}

function never(): never {
  throw new Error('there is nothing')
}
