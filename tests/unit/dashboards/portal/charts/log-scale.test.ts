import { expect, it } from 'vitest'
import { decadesAround, logShare } from '../../../../../dashboards/portal/src/charts/log-scale.ts'

it('a logarithmic scale covers whole decades, and values outside lie at its ends', () => {
  const scale = decadesAround([0, 12, 850])
  expect(scale).toEqual({ low: 10, high: 1000 })
  expect([1, 10, 100, 1000, 5000].map((value) => logShare(scale, value))).toEqual([0, 0, 0.5, 1, 1])
  expect(decadesAround([10])).toEqual({ low: 10, high: 100 })
  expect(decadesAround([])).toEqual({ low: 1, high: 1000 })
})
