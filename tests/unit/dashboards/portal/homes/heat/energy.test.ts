import { describe, expect, it } from 'vitest'
import { energyUnit, sumOf } from '../../../../../../dashboards/portal/src/homes/heat/energy.ts'

describe('a sum of heat', () => {
  const heat = (energyKwh: number | null, coverage: number) => ({ energyKwh, coverage })

  it('is missing where no figure is known, and covers less where one is missing', () => {
    expect(sumOf([heat(null, 0), heat(null, 0)])).toEqual({ energyKwh: null, coverage: 0 })
    expect(sumOf([heat(10, 1), heat(null, 0)])).toEqual({ energyKwh: 10, coverage: 0.5 })
  })

  it('is in MWh from 10 MWh on', () => {
    expect(energyUnit([null, 9999])).toBe('kWh')
    expect(energyUnit([10_000, 3])).toBe('MWh')
  })
})
