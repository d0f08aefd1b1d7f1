import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { counterDeltas, type CounterSource } from '#lib/kpi/counter/counter-deltas.ts'
import { counterRules } from '#lib/kpi/counter/counter-rules.ts'
import type { AggregateRow, AggregatesScan } from '#lib/store/scans.ts'
import type { Store } from '#lib/store/store.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { ALL, seedOfRun, writeAll, type StorePlace } from './store-fixture.ts'
import { DAY_START_NS, HOUR_NS, MINUTE_NS, reading } from './store-rows.ts'

const METER = { maxPowerKw: 50, registerDigits: 6 } as const

/** What a store promises of counters: their deltas add up, whatever the counter did. */
export function countersContract(create: () => StorePlace): void {
  describe('deltas of counters', () => {
    let place: StorePlace
    let store: Store

    beforeEach(async () => {
      place = create()
      store = (await place.open()).store
    })
    afterEach(async () => {
      await store.upkeep.close()
      place.remove()
    })

    /** All rows, in pages so small that intervals are cut. */
    async function rowsOf(over: Partial<AggregatesScan>): Promise<AggregateRow[]> {
      const rows: AggregateRow[] = []
      let cursor: string | null = null
      do {
        const scan: AggregatesScan = { ...SCAN, ...over, cursor }
        const page = await store.reader.aggregates(scan)
        rows.push(...page.data)
        cursor = page.next
      } while (cursor !== null)
      return rows
    }

    it('count from the last reading before the interval, hour by hour', async () => {
      const rows = Array.from({ length: 30 }, (_, hour) => energy(hour + 1, hour, 1000 + 7 * hour))
      await writeAll(store, rows)
      const span = { fromNs: hourNs(4), toNs: hourNs(28) }
      const hourly = await rowsOf({ ...span, kind: 'heat_meter', everyNs: HOUR_NS })
      expect(hourly.map((row) => deltaOf(row, 'energyKwh'))).toEqual(Array(24).fill(7))
      expect(hourly[0]?.fields['energyKwh']).toEqual({ first: 1028, last: 1028, delta: 7 })
      const day = { everyNs: null, buckets: [{ ...span, startNs: span.fromNs }] }
      const whole = await rowsOf({ ...span, kind: 'heat_meter', ...day })
      expect(whole.map((row) => deltaOf(row, 'energyKwh'))).toEqual([168])
    })

    it('find the last reading although it is weeks old', async () => {
      await writeAll(store, [energy(1, -24 * 40, 900), energy(2, 1, 1000)])
      const [row] = await rowsOf({ kind: 'heat_meter', everyNs: HOUR_NS })
      expect(deltaOf(row, 'energyKwh')).toBe(100)
    })

    it('of a truck add up to the way that it drove', async () => {
      const rows = Array.from({ length: 14 }, (_, at) =>
        odometer(at + 1, at * 5, 100_000 + 3000 * at),
      )
      await writeAll(store, rows)
      const span = { fromNs: DAY_START_NS + 5n * MINUTE_NS, toNs: hourNs(1) + 5n * MINUTE_NS }
      const quarters = await rowsOf({ ...span, everyNs: 15n * MINUTE_NS })
      expect(sumOf(quarters, 'odometerM')).toBe(36_000)
    })

    it('leave out a wrong value, a reset and the way back, and are never below zero', async () => {
      const values = [1000, 1001, 1002, 90_000, 1004, 1005, 2, 3, 5]
      await writeAll(store, [
        ...values.map((value, at) => energy(at + 1, at, value)),
        ...values.map((value, at) => odometer(at + 20, at * 60, value)),
      ])
      for (const [kind, name] of [
        ['heat_meter', 'energyKwh'],
        ['truck', 'odometerM'],
      ] as const) {
        const rows = await rowsOf({ kind, everyNs: HOUR_NS })
        expect(rows.map((row) => deltaOf(row, name))).toEqual([0, 1, 1, 0, 2, 1, 0, 1, 2])
      }
    })

    it('follow the settings of a meter: its power, and where its register begins again', async () => {
      const values = [999_990, 999_998, 6, 5000, 14]
      await writeAll(
        store,
        values.map((value, at) => energy(at + 1, at, value)),
      )
      const over = { kind: 'heat_meter', everyNs: HOUR_NS, meters: { 'acme.m1': METER } } as const
      const rows = await rowsOf(over)
      expect(rows.map((row) => deltaOf(row, 'energyKwh'))).toEqual([0, 8, 8, 0, 8])
    })

    const seed = seedOfRun()
    it(`add up to that of the whole span, however it is divided (SEED=${seed})`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 60 }), async (moves) => {
          await store.upkeep.close()
          place.remove()
          place = create()
          store = (await place.open()).store
          const readings = readingsOf(moves)
          await writeAll(store, readings, 20)
          for (const kind of ['heat_meter', 'truck'] as const) {
            const name = kind === 'truck' ? 'odometerM' : 'energyKwh'
            const expected = await wholeDelta(readings, kind, name)
            for (const minutes of [7n, 60n, 600n, 100_000n]) {
              const rows = await rowsOf({ kind, everyNs: minutes * MINUTE_NS, limit: 5 })
              const deltas = rows.map((row) => deltaOf(row, name))
              expect(Math.min(...deltas)).toBeGreaterThanOrEqual(0)
              expect(sumOf(rows, name), `${kind} ${minutes} min`).toBeCloseTo(expected, 6)
            }
          }
        }),
        { numRuns: 15, seed, endOnFailure: true },
      )
    })
  })
}

const SCAN = {
  scope: ALL,
  kind: 'truck',
  fields: null,
  everyNs: HOUR_NS,
  fromNs: DAY_START_NS,
  toNs: DAY_START_NS + 10_000n * HOUR_NS,
  limit: 1000,
  cursor: null,
} as const satisfies AggregatesScan

const hourNs = (hour: number) => DAY_START_NS + BigInt(hour) * HOUR_NS

function energy(position: number, hour: number, energyKwh: number): Reading {
  const fields = { energyKwh }
  return reading(position, { kind: 'heat_meter', device: 'acme.m1', timeNs: hourNs(hour), fields })
}

function odometer(position: number, minute: number, odometerM: number): Reading {
  const timeNs = DAY_START_NS + BigInt(minute) * MINUTE_NS
  return reading(position, { kind: 'truck', device: 'acme.t1', timeNs, fields: { odometerM } })
}

function deltaOf(row: AggregateRow | undefined, name: string): number {
  const aggregate = row?.fields[name]
  if (aggregate && 'delta' in aggregate) return aggregate.delta
  throw new Error(`expected a delta of ${name}`)
}

function sumOf(rows: readonly AggregateRow[], name: string): number {
  return rows.reduce((sum, row) => sum + deltaOf(row, name), 0)
}

/** What a counter does between two readings, and how late the second one arrives. */
const move = fc.record({
  minutes: fc.integer({ min: 1, max: 500 }),
  gain: fc.integer({ min: 0, max: 40 }),
  event: fc.oneof(
    { weight: 6, arbitrary: fc.constant('none' as const) },
    fc.constantFrom('reset' as const, 'spike' as const, 'dip' as const),
  ),
  isLate: fc.boolean(),
})

type Move = typeof move extends fc.Arbitrary<infer M> ? M : never

/** Readings in the order of arrival. */
function readingsOf(moves: readonly Move[]): Reading[] {
  let value = 5000
  let minute = 0
  const readings = moves.map(({ minutes, gain, event, isLate }) => {
    minute += minutes
    value = event === 'reset' ? gain : value + gain
    const shown = { none: value, reset: value, spike: value + 80_000, dip: 1 }[event]
    return { minute, shown, isLate }
  })
  const arrived = [
    ...readings.filter((one) => !one.isLate),
    ...readings.filter((one) => one.isLate),
  ]
  return arrived.flatMap(({ minute: at, shown }, nth) => [
    energyAt(2 * nth + 1, at, shown),
    odometer(2 * nth + 2, at, shown),
  ])
}

function energyAt(position: number, minute: number, energyKwh: number): Reading {
  const timeNs = DAY_START_NS + BigInt(minute) * MINUTE_NS
  return reading(position, { kind: 'heat_meter', device: 'acme.m1', timeNs, fields: { energyKwh } })
}

/** The delta of all readings as one interval, judged one by one in memory. */
async function wholeDelta(
  readings: readonly Reading[],
  kind: 'truck' | 'heat_meter',
  name: string,
): Promise<number> {
  const own = readings
    .filter((one) => one.kind === kind)
    .toSorted((a, b) => (a.timeNs < b.timeNs ? -1 : 1))
    .map(({ device, timeNs, fields }) => {
      return { device, timeNs, energyKwh: Number(fields[name]), meterId: null, flags: [] }
    })
  const [first, last] = [own[0], own.at(-1)]
  if (!first || !last) return 0
  const source: CounterSource = {
    before: async () => [],
    after: async () => [],
    fallen: async () => [first.device],
    async *readings() {
      yield own
    },
  }
  const definition = KINDS[kind].fields[name]
  if (!definition) throw new Error(`expected a field ${name} of ${kind}`)
  const deltas = await counterDeltas(source, {
    fromNs: DAY_START_NS,
    toNs: SCAN.toNs,
    grid: { everyNs: SCAN.toNs, originNs: 0n },
    ends: [{ timeNs: 0n, device: first.device, first: first.energyKwh, last: last.energyKwh }],
    rulesOf: () => counterRules(definition, {}),
    isMeter: true,
  })
  return deltas[0] ?? 0
}
