import { describe, expect, it } from 'vitest'
import type { AggregatedReading } from '../../../../../../dashboards/portal/src/api/rows.ts'
import { meterEvents } from '../../../../../../dashboards/portal/src/homes/heat/meter-events.ts'

const HOUR_MS = 3_600_000

describe('events of a meter', () => {
  const events = (hours: readonly AggregatedReading[]) =>
    meterEvents(hours, 11 * HOUR_MS).map(({ type, before, after }) => [type, before, after])

  it('are reset, exchange and gap, in any order of the hours', () => {
    const hours = [
      hour(1, 100, 110),
      hour(2, 110, 120),
      hour(3, 2, 9),
      hour(9, 20, 30),
      hour(10, 700, 710, '2'),
    ]
    const expected = [
      ['exchange', '1', '2'],
      ['gap', null, null],
      ['reset', 120, 2],
    ]
    expect(events(hours)).toEqual(expected)
    expect(events(hours.toReversed())).toEqual(expected)
  })

  it('include a reset within an hour', () => {
    expect(events([hour(1, 100, 3)])).toContainEqual(['reset', 100, 3])
  })
})

function hour(at: number, first: number, last: number, meterId = '1'): AggregatedReading {
  return {
    time: new Date(at * HOUR_MS).toISOString(),
    device: 'varme.m1',
    tenant: 'varme',
    kind: 'heat_meter',
    count: 4,
    fields: {
      energyKwh: { first, last, delta: last - first },
      meterId: { last: meterId },
    },
  }
}
