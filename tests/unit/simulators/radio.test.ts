import { describe, expect, it } from 'vitest'
import { percentile } from '#lib/kpi/percentile.ts'
import { randomOf } from '../../../simulators/models/chance.ts'
import { drawDelay, type Rat } from '../../../simulators/models/delay-profile.ts'
import { startRadio, stepRadio, type RadioMap } from '../../../simulators/models/radio.ts'
import { RADIO_MAP } from '../../../seeds/testbed/radio-map.ts'
import { E45_NORTH } from '../../../seeds/testbed/roads.ts'

const SEED = Number(process.env['SEED'] ?? 7)
const GOOD_DB = 20

describe(`the radio model (SEED=${SEED})`, () => {
  it('has the delays of recorded 5G runs (docs/domain.md 5.4)', () => {
    const rtts = sortedRtts('nr-sa', GOOD_DB)
    expect(percentile(rtts, 50)).toBeGreaterThan(15)
    expect(percentile(rtts, 50)).toBeLessThan(21)
    expect(percentile(rtts, 95)).toBeGreaterThan(21)
    expect(percentile(rtts, 95)).toBeLessThan(29)
    expect(percentile(rtts, 99)).toBeGreaterThan(26)
    expect(percentile(rtts, 99)).toBeLessThan(155)
  })

  it('is slower in older networks, and queues where coverage ends', () => {
    const medianOf = (rat: Rat) => percentile(sortedRtts(rat, GOOD_DB), 50) ?? 0
    expect(medianOf('nr-sa')).toBeLessThan(medianOf('nr-nsa'))
    expect(medianOf('nr-nsa')).toBeLessThan(medianOf('lte'))
    expect(percentile(sortedRtts('lte', -2), 90)).toBeGreaterThan(500)
  })

  it('weakens with distance and stays within the ranges of TS 38.133', () => {
    const [near, far] = [meanRsrp(0.3), meanRsrp(8)]
    expect(near).toBeGreaterThan(far + 30)
    for (const value of walk()) {
      if (!value) continue
      expect(value.rsrpDbm).toBeGreaterThanOrEqual(-140)
      expect(value.rsrpDbm).toBeLessThanOrEqual(-44)
      expect(value.rsrqDb % 0.5).toBeCloseTo(0)
      expect(value.sinrDb).toBeGreaterThanOrEqual(-23)
      expect(value.sinrDb).toBeLessThanOrEqual(40)
    }
  })

  it('changes cells and technologies along the motorway without switching back and forth', () => {
    const cells = walk().map((value) => value?.cellId ?? null)
    const changes = cells.filter((cell, at) => at > 0 && cell !== cells[at - 1]).length
    expect(new Set(cells).size).toBeGreaterThan(6)
    expect(changes).toBeLessThan(30)
    expect(new Set(walk().map((value) => value?.rat)).size).toBe(4)
  })
})

function sortedRtts(rat: Rat, sinrDb: number): number[] {
  const random = randomOf(SEED, rat)
  return Array.from({ length: 20_000 }, () => {
    const { uplinkMs, downlinkMs } = drawDelay(rat, sinrDb, random)
    return uplinkMs + downlinkMs
  }).toSorted((a, b) => a - b)
}

/** Mean power at a distance in km from a single mast. */
function meanRsrp(km: number): number {
  const cell = { id: 'A1', lat: 55, lon: 9, rat: 'nr-sa', band: 'n78', operator: '1-1' } as const
  const map: RadioMap = { cells: [{ ...cell, at1kmDbm: -84 }], deadZones: [] }
  const random = randomOf(SEED, `${km}`)
  let sum = 0
  const n = 200
  for (let at = 0; at < n; at += 1) {
    const place = { lat: 55 + km / 111.2, lon: 9 }
    const { output } = stepRadio(startRadio(), { map, place }, 1000, random)
    sum += output.radio?.rsrpDbm ?? -140
  }
  return sum / n
}

/** Along the motorway in steps of about 100 m. */
function walk() {
  const random = randomOf(SEED, 'walk')
  let state = startRadio()
  return E45_NORTH.slice(1).flatMap(([lat, lon], at) => {
    const [fromLat, fromLon] = E45_NORTH[at] ?? [lat, lon]
    return Array.from({ length: 15 }, (_, part) => {
      const share = part / 15
      const place = {
        lat: fromLat + (lat - fromLat) * share,
        lon: fromLon + (lon - fromLon) * share,
      }
      const step = stepRadio(state, { map: RADIO_MAP, place }, 5000, random)
      state = step.state
      return step.output.radio
    })
  })
}
