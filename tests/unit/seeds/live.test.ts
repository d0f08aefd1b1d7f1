import { describe, expect, it } from 'vitest'
import { castOf } from '../../../seeds/live/cast.ts'
import type { LastKnown } from '../../../seeds/last-values.ts'
import { DEVICES } from '../../../seeds/devices.ts'

const T0 = Date.UTC(2026, 10, 24, 20, 34)
const KNOWN: Readonly<Record<string, LastKnown>> = {
  'varme.heat-flensburg': {
    atMs: T0 - 3 * 3_600_000,
    seq: 41,
    fields: { energyKwh: 5000, volumeM3: 120.5, e8M3c: 9000, e9M3c: 4800, operatingHoursH: 77 },
  },
  'marskfragt.truck-01': {
    atMs: T0 - 60_000,
    seq: 9,
    fields: { odometerM: 710_412_330, lat: 54.93, lon: 9.37, fuelPct: 44 },
  },
}
const known = (device: string) => KNOWN[device] ?? null

describe('the live testbed', () => {
  it('has every device act once', () => {
    const cast = castOf({ seed: 1, startMs: T0, known })
    expect(cast.map(({ actor }) => actor.device).toSorted()).toEqual(
      DEVICES.map(({ tenant, id }) => `${tenant}.${id}`).toSorted(),
    )
    expect(cast.filter(({ clockAheadMs }) => clockAheadMs !== 0)).toHaveLength(1)
  })

  it('continues registers, with the heat that has flowed in the meantime, and sequence numbers', () => {
    const message = firstOf('varme.heat-flensburg')
    expect(message.seq).toBe(42)
    // Three hours at some 1.2 MW.
    expect(message.data.energyKwh).toBeGreaterThan(5000 + 1500)
    expect(message.data.energyKwh).toBeLessThan(5000 + 7000)
    expect(message.data.operatingHoursH).toBe(80)
  })

  it('continues odometer, fuel and place of a truck', () => {
    const { seq, data } = firstOf('marskfragt.truck-01')
    expect(seq).toBe(10)
    expect(data.odometerM).toBe(710_412_330)
    expect(data.fuelPct).toBeCloseTo(44, 0)
    expect(data.lat).toBeCloseTo(54.93, 3)
  })

  it('acts the same for the same seed and past', () => {
    const bytes = () =>
      castOf({ seed: 5, startMs: T0, known }).flatMap(({ actor }) =>
        Array.from({ length: 5 }, (_, at) => actor.act(T0 + at * 10_000, 10_000).outgoing).flat(),
      )
    expect(bytes()).toEqual(bytes())
  })
})

function firstOf(device: string) {
  const member = castOf({ seed: 1, startMs: T0, known }).find(
    ({ actor }) => actor.device === device,
  )
  return JSON.parse(member?.actor.act(T0, 0).outgoing[0]?.payload ?? '')
}
