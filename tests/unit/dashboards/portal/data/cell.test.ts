import { expect, it } from 'vitest'
import { createCell } from '../../../../../dashboards/portal/src/data/cell.ts'

it('a cell notifies its listeners when its value changes, until they stop listening', () => {
  const cell = createCell('a')
  const seen: string[] = []
  const stop = cell.subscribe(() => seen.push(cell.get()))
  cell.set('a')
  cell.set('b')
  stop()
  cell.set('c')
  expect(seen).toEqual(['b'])
})
