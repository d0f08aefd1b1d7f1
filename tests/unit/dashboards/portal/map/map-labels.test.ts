import { describe, expect, it } from 'vitest'
import { placeLabels } from '../../../../../dashboards/portal/src/map/map-labels.ts'

const WIDTH_PX = 300

describe('labels on the map', () => {
  it('are beside a dot, on the side where there is room', () => {
    const dot = { y: 50, heightPx: 0, text: 'Padborg' }
    const [left, right] = placeLabels(
      [
        { ...dot, x: 10 },
        { ...dot, x: WIDTH_PX - 10 },
      ],
      WIDTH_PX,
    )
    expect(left?.x).toBeGreaterThan(10)
    expect(right?.x).toBeLessThan(WIDTH_PX - 10)
  })

  it('are left out where all places are taken, and where no text is wanted', () => {
    const dot = { x: 150, y: 50, heightPx: 0, text: 'Padborg' }
    const labels = placeLabels([dot, dot, dot, { ...dot, text: '' }], WIDTH_PX)
    expect(labels.map((label) => label !== null)).toEqual([true, true, false, false])
  })

  it('of an area go above it, and below it when that is taken', () => {
    const area = { x: 150, y: 50, heightPx: 20, text: 'Yard' }
    const [above, below] = placeLabels([area, area], WIDTH_PX)
    expect(above?.y).toBeLessThan(40)
    expect(below?.y).toBeGreaterThan(60)
  })
})
