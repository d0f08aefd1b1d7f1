import { describe, expect, it } from 'vitest'
import type {
  AggregatedReading,
  Delivery,
  Latency,
} from '../../dashboards/portal/src/data/answers.ts'
import { connectionOf } from '../../dashboards/portal/src/data/connection.ts'
import { createEventParser } from '../../dashboards/portal/src/data/event-stream.ts'
import { createLastValues } from '../../dashboards/portal/src/data/last-values.ts'
import { createMessageRate } from '../../dashboards/portal/src/data/message-rate.ts'
import { startOfDayMs } from '../../dashboards/portal/src/data/spans.ts'
import { wrongClocks } from '../../dashboards/portal/src/homes/testbed/clock-offsets.ts'
import { energyUnit, sumOf } from '../../dashboards/portal/src/homes/heat/heat-sums.ts'
import { meterEvents } from '../../dashboards/portal/src/homes/heat/meter-events.ts'
import { da } from '../../dashboards/portal/src/words/da.ts'
import { de } from '../../dashboards/portal/src/words/de.ts'
import { en } from '../../dashboards/portal/src/words/en.ts'

describe('events of the platform', () => {
  it('are read however the bytes are cut, with the id to resume from', () => {
    const text =
      'id: j1:7.0\nevent: reading\ndata: {"a":1}\n\n: heartbeat\n\nid: j1:9.0\nevent: heartbeat\ndata:\n\n' +
      'event: gap\r\ndata: one\r\ndata: two\r\n\r\n'
    const whole = [
      ['reading', '{"a":1}', 'j1:7.0'],
      ['heartbeat', '', 'j1:9.0'],
      ['gap', 'one\ntwo', null],
    ]
    for (let size = 1; size <= text.length; size += 1) {
      const seen: unknown[] = []
      const parse = createEventParser(({ event, data }, id) => seen.push([event, data, id]))
      for (let at = 0; at < text.length; at += size) parse(text.slice(at, at + size))
      expect(seen, `pieces of ${size}`).toEqual(whole)
    }
  })

  it('cannot fill the memory with a line that never ends', () => {
    const parse = createEventParser(() => {})
    expect(() => {
      for (let at = 0; at < 10; at += 1) parse('x'.repeat(1024 * 1024))
    }).toThrow(/too long/)
  })
})

describe('the state of the connection', () => {
  const nowMs = 1_000_000
  it.each([
    [{ isReached: true, newestMs: nowMs - 3000, nowMs }, 'live'],
    [{ isReached: true, newestMs: nowMs - 60_000, nowMs }, 'behind'],
    [{ isReached: true, newestMs: null, nowMs }, 'behind'],
    [{ isReached: false, newestMs: nowMs, nowMs }, 'disconnected'],
  ] as const)('%o is %s', (facts, state) => expect(connectionOf(facts).state).toBe(state))
})

describe('last values', () => {
  const reading = (device: string, second: number) => ({
    time: '2026-11-24T12:00:00Z',
    device,
    tenant: 'acme',
    kind: 'truck',
    channel: 'telemetry',
    seq: second,
    receivedAt: `2026-11-24T12:00:${String(second).padStart(2, '0')}Z`,
    flags: [],
    fields: {},
    radio: null,
  })

  it('change once per flush, and never go back to an older reading', () => {
    const values = createLastValues()
    let drawn = 0
    values.cell.subscribe(() => (drawn += 1))
    for (let second = 1; second <= 50; second += 1) values.take(reading('acme.t1', second))
    values.flush()
    values.flush()
    expect(drawn).toBe(1)
    values.replace([reading('acme.t1', 40)])
    expect([...values.cell.get().values()].map(({ seq }) => seq)).toEqual([50])
    expect(values.newestMs.get()).toBe(Date.parse('2026-11-24T12:00:50Z'))
  })

  it('of devices without end stay bounded', () => {
    const values = createLastValues()
    for (let n = 0; n < 25_000; n += 1) values.take(reading(`acme.t${n}`, 1))
    values.flush()
    expect(values.cell.get().size).toBe(20_000)
  })
})

describe('figures of the page', () => {
  const delivery = (accepted: number): Delivery[] => [
    {
      device: 'acme.t1',
      accepted,
      stored: accepted,
      rejected: 0,
      duplicate: 0,
      pending: 0,
      late: 0,
      partial: 0,
      lost: 0,
    },
  ]

  it('tell the rate from how accepted grows, and begin anew when it falls', () => {
    const rate = createMessageRate()
    expect(rate.add(delivery(100), 0)).toBeNull()
    expect(rate.add(delivery(160), 3000)).toEqual({ perS: 20, messages: 60, seconds: 3 })
    expect(rate.add(delivery(10), 6000)).toBeNull()
    expect(rate.add(delivery(40), 9000)).toEqual({ perS: 10, messages: 30, seconds: 3 })
  })

  it('begin the day at local midnight, in summer, in winter and when the clocks change', () => {
    const cases = [
      ['2026-11-24T20:00:00Z', '2026-11-23T23:00:00Z'],
      ['2026-07-01T21:30:00Z', '2026-06-30T22:00:00Z'],
      ['2026-07-01T22:30:00Z', '2026-07-01T22:00:00Z'],
      ['2026-10-25T12:00:00Z', '2026-10-24T22:00:00Z'],
      ['2026-03-29T12:00:00Z', '2026-03-28T23:00:00Z'],
    ] as const
    for (const [now, midnight] of cases) {
      expect(new Date(startOfDayMs(Date.parse(now))).toISOString()).toBe(
        new Date(midnight).toISOString(),
      )
    }
  })

  it('name clocks with their offset and bound, and without a bound only what is proved', () => {
    const row = (stage: string, device: string, p50Ms: number | null): Latency => ({
      group: { device },
      stage,
      n: p50Ms === null ? 0 : 10,
      p50Ms,
      p95Ms: p50Ms,
      p99Ms: p50Ms,
      maxMs: p50Ms,
      clockBoundMs: stage === 'uplink' && p50Ms !== null ? 12 : null,
      negative: 0,
      method: 'exact',
      relError: 0,
    })
    const rows = [
      row('age', 'a.ahead', -46_280),
      row('uplink', 'a.ahead', 20),
      row('age', 'a.unbound', -5000),
      row('uplink', 'a.unbound', null),
      row('age', 'a.slow-network', 30_000),
      row('age', 'a.fine', 25),
      row('uplink', 'a.fine', 24),
    ]
    expect(wrongClocks(rows)).toEqual([
      { device: 'a.ahead', offsetMs: 46_300, boundMs: 12 },
      { device: 'a.unbound', offsetMs: 5000, boundMs: null },
    ])
  })

  it('add heat without making zeros of what is missing', () => {
    const heat = (energyKwh: number | null, coverage: number) => ({
      group: {},
      energyKwh,
      coverage,
      intervals: { measured: 1, bridged: 0, missing: 0, excluded: 0 },
    })
    expect(sumOf([heat(null, 0), heat(null, 0)])).toEqual({ energyKwh: null, coverage: 0 })
    expect(sumOf([heat(10, 1), heat(null, 0)])).toEqual({ energyKwh: 10, coverage: 0.5 })
    expect(energyUnit([null, 9999])).toBe('kWh')
    expect(energyUnit([10_000, 3])).toBe('MWh')
  })

  it('name reset, exchange and gap of a meter, in any order of the hours', () => {
    const hour = (at: number, first: number, last: number, meterId = '1'): AggregatedReading => ({
      time: new Date(at * 3_600_000).toISOString(),
      device: 'varme.m1',
      kind: 'heat_meter',
      count: 4,
      fields: {
        energyKwh: { first, last, delta: last - first },
        meterId: { last: meterId },
      },
    })
    const rows = [
      hour(1, 100, 110),
      hour(2, 110, 120),
      hour(3, 2, 9),
      hour(9, 20, 30),
      hour(10, 700, 710, '2'),
    ]
    const sorts = (list: readonly AggregatedReading[]) =>
      meterEvents(list, 11 * 3_600_000).map(({ sort, before, after }) => [sort, before, after])
    const expected = [
      ['exchange', '1', '2'],
      ['gap', null, null],
      ['reset', 120, 2],
    ]
    expect(sorts(rows)).toEqual(expected)
    expect(sorts(rows.toReversed())).toEqual(expected)
    expect(sorts([hour(1, 100, 3)])).toContainEqual(['reset', 100, 3])
  })
})

describe('the three languages', () => {
  it('fill the same places in each sentence', () => {
    const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).toSorted()
    for (const [name, text] of Object.entries(en)) {
      const same = { name, places: places(text) }
      const word = name as keyof typeof en
      expect({ name, places: places(da[word]) }).toEqual(same)
      expect({ name, places: places(de[word]) }).toEqual(same)
    }
  })
})
