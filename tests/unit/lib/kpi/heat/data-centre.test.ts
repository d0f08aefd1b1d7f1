import { describe, expect, it } from 'vitest'
import { dataCentreFigures, type DataCentreEnergy } from '#lib/kpi/heat/data-centre.ts'
import { avoidedEmissions, heatPumpFigures, homesSupplied } from '#lib/kpi/heat/heat-use.ts'
import { wasteHeatTemperature } from '#lib/kpi/heat/waste-heat-temperature.ts'

/** The check values of docs/domain.md 7.1, in kWh and m3. */
const YEAR: DataCentreEnergy = {
  totalKwh: 10_000_000,
  itKwh: 8_000_000,
  reusedKwh: 3_000_000,
  renewableKwh: 6_500_000,
  waterM3: 4000,
}

describe('figures of a data centre', () => {
  it('are the check values', () => {
    const { pue, wue, erf, ref, ere } = dataCentreFigures(YEAR)
    expect([pue, wue, erf, ref, ere].map(({ value }) => value)).toEqual([
      1.25, 0.5, 0.3, 0.65, 0.875,
    ])
    expect([pue, wue, erf, ref, ere].map(({ flag }) => flag)).toEqual(Array(5).fill(null))
    expect(ere.value).toBeCloseTo(pue.value! * (1 - erf.value!), 12)
    expect(wue.unit).toBe('l/kWh')
  })

  it('are null without IT energy, never infinite', () => {
    const { pue, wue, ere, erf } = dataCentreFigures({ ...YEAR, itKwh: 0 })
    expect([pue.value, wue.value, ere.value]).toEqual([null, null, null])
    expect(erf.value).toBe(0.3)
  })

  it('are null where the sum of the IT meter fell below zero', () => {
    expect(dataCentreFigures({ ...YEAR, itKwh: -1 }).pue).toMatchObject({ value: null })
  })

  it('are null where a part was not measured', () => {
    const { erf, ere, pue } = dataCentreFigures({ ...YEAR, reusedKwh: null })
    expect([erf.value, ere.value, pue.value]).toEqual([null, null, 1.25])
  })

  it('flag an impossible boundary and do not clip it', () => {
    const pue = dataCentreFigures({ ...YEAR, totalKwh: 7_000_000 }).pue
    expect(pue).toMatchObject({ value: 0.875, flag: 'boundary' })
    const { erf, ere } = dataCentreFigures({ ...YEAR, reusedKwh: 12_000_000 })
    expect(erf).toMatchObject({ value: 1.2, flag: 'boundary' })
    expect(ere).toMatchObject({ value: -0.25, flag: 'boundary' })
  })
})

describe('use of the heat', () => {
  it('supplies 55.25 houses with 1 GWh', () => {
    expect(homesSupplied(1_000_000)).toBeCloseTo(55.25, 2)
  })

  it('has the coefficient of performance and the balance of its heat pump', () => {
    const energy = { handoffKwh: 3000, deliveredKwh: 3950, electricityKwh: 1000 }
    expect(heatPumpFigures(energy)).toEqual({ cop: 3.95, lossesKwh: 50, flag: null })
    expect(heatPumpFigures({ ...energy, electricityKwh: 0 }).cop).toBeNull()
  })

  it('flags a heat pump that gives more than it gets', () => {
    const energy = { handoffKwh: 3000, deliveredKwh: 5000, electricityKwh: 1000 }
    expect(heatPumpFigures(energy)).toMatchObject({ lossesKwh: -1000, flag: 'boundary' })
  })

  it('avoids emissions by factors that it names', () => {
    const displaced = { kgPerMwh: 191, year: 2023, source: 'natural-gas heat' }
    const electricity = { kgPerMwh: 100, year: 2023, source: 'declaration' }
    const energy = { deliveredKwh: 4_000_000, electricityKwh: 1_000_000 }
    expect(avoidedEmissions(energy, { displaced, electricity })).toEqual({
      avoidedKg: 664_000,
      unit: 'kg CO2e',
      displaced,
      electricity,
    })
  })
})

describe('the temperature of the waste heat', () => {
  const H = 3_600_000_000_000n
  const span = { fromNs: 0n, toNs: 4n * H, maxIntervalNs: H }
  /** Two hours at 30 C with 1 m3/h, two at 40 C with 3 m3/h; the step in between lasts 1 ns. */
  const samples = [
    { timeNs: 0n, tFlowC: 30, volumeFlowM3h: 1 },
    { timeNs: H, tFlowC: 30, volumeFlowM3h: 1 },
    { timeNs: 2n * H, tFlowC: 30, volumeFlowM3h: 1 },
    { timeNs: 2n * H + 1n, tFlowC: 40, volumeFlowM3h: 3 },
    { timeNs: 3n * H, tFlowC: 40, volumeFlowM3h: 3 },
    { timeNs: 4n * H, tFlowC: 40, volumeFlowM3h: 3 },
  ]

  it('is weighted by volume, and by time, and names which', () => {
    expect(wasteHeatTemperature(samples.toReversed(), span)).toEqual({
      volumeWeightedC: expect.closeTo(37.5, 9),
      volumeMethod: 'momentary flow',
      timeMeanC: expect.closeTo(35, 9),
      coverage: 1,
      unit: 'Cel',
    })
  })

  it('prefers the registers of the meter', () => {
    expect(wasteHeatTemperature(samples, span, { volumeM3: 8, e8M3c: 296 })).toMatchObject({
      volumeWeightedC: 37,
      volumeMethod: 'dE8/dV',
    })
  })

  it('assumes nothing in a gap', () => {
    const figure = wasteHeatTemperature([samples[0]!, ...samples.slice(3)], span)
    expect(figure.coverage).toBeCloseTo(0.5, 9)
    expect(figure.timeMeanC).toBeCloseTo(40, 9)
    expect(wasteHeatTemperature([], span)).toMatchObject({
      volumeWeightedC: null,
      volumeMethod: null,
      timeMeanC: null,
      coverage: 0,
    })
  })
})
