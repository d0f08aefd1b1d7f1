import { describe, expect, it } from 'vitest'
import { delayVariation } from '#lib/kpi/network/delay-variation.ts'

/** Worked example of docs/domain.md 5.1. */
const DELAYS_MS = [12, 15, 11, 40, 13, 14, 250, 12, 13, 16]

describe('variation of delay', () => {
  it('gives the worked example', () => {
    expect(delayVariation(DELAYS_MS)).toEqual({
      n: 10,
      minMs: 11,
      meanAbsIpdvMs: expect.closeTo(60.2222, 4),
      ipdvN: 9,
      pdvP95Ms: expect.closeTo(144.5, 9),
      pdvP999Ms: expect.closeTo(248.11 - 11, 9),
      jitterMs: expect.closeTo(28.24539, 5),
    })
  })

  it('has no step to or from a lost message', () => {
    expect(delayVariation([10, null, 30, 31])).toMatchObject({
      n: 3,
      ipdvN: 1,
      meanAbsIpdvMs: 1,
      minMs: 10,
    })
  })

  it('is nothing of nothing', () => {
    expect(delayVariation([null])).toEqual({
      n: 0,
      minMs: null,
      meanAbsIpdvMs: null,
      ipdvN: 0,
      pdvP95Ms: null,
      pdvP999Ms: null,
      jitterMs: null,
    })
  })
})
