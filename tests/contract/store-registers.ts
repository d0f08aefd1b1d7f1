import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { kwhOfJoules } from '#lib/kpi/heat/energy-unit.ts'
import { heatIntervals } from '#lib/kpi/heat/heat-intervals.ts'
import { heatPieces, type HeatPiece } from '#lib/kpi/heat/recovered-heat.ts'
import { registerRules } from '#lib/kpi/heat/register-meter.ts'
import { createRandom, type Random } from '#lib/runtime/random.ts'
import type { Store } from '#lib/store/store.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import type { RegisterRow } from '#lib/telemetry/heat.ts'
import type { RegistersScan } from '#lib/store/scans.ts'
import type { Span } from '#lib/telemetry/span.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { isTooMany } from '#lib/telemetry/too-many.ts'
import { ALL, seedOfRun, writeAll, type StorePlace } from './store-fixture.ts'
import { DAY_NS, DAY_START_NS, HOUR_NS, MINUTE_NS, SECOND_NS, reading } from './store-rows.ts'

const METERS = {
  'acme.m1': { maxPowerKw: 60, registerDigits: 6 },
  'borg.m2': { maxPowerKw: null },
} as const
const DEVICES = Object.keys(METERS) as (keyof typeof METERS)[]
const SPAN = { fromNs: DAY_START_NS, toNs: DAY_START_NS + 30n * HOUR_NS }

/** What a store promises of registers: thinned ones give the heat of all of them. */
export function registersContract(create: () => StorePlace): void {
  describe('registers', () => {
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

    const registers = async (
      over: Partial<RegistersScan> = {},
    ): Promise<readonly RegisterRow[]> => {
      const rows = await store.reader.registers({ ...scan, ...over })
      if (isTooMany(rows)) throw new Error('expected rows, got too many')
      return rows
    }

    const seed = seedOfRun()
    it(`give the same heat thinned as all of them do (SEED=${seed})`, async () => {
      let kept = 0
      let all = 0
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 - 1 }), async (seed) => {
          await store.upkeep.close()
          place.remove()
          place = create()
          store = (await place.open()).store
          const random = createRandom(seed)
          await writeAll(store, randomRegisters(random), 400)
          const offsetNs = BigInt(random.integer(-90, 90)) * MINUTE_NS
          const span = { fromNs: SPAN.fromNs + offsetNs, toNs: SPAN.toNs - offsetNs }
          const whole = await registers({ ...span, cellNs: null })
          const thinned = await registers({ ...span, cellNs: HOUR_NS })
          for (const device of DEVICES) {
            for (const everyNs of [HOUR_NS, 6n * HOUR_NS, null]) {
              const buckets = bucketsOf(span, everyNs)
              const pieces = piecesOf(thinned, device, buckets)
              expect(pieces, `SEED=${seed} ${device}`).toEqual(piecesOf(whole, device, buckets))
            }
          }
          kept += thinned.length
          all += whole.length
        }),
        { numRuns: 25, seed, endOnFailure: true },
      )
      expect(kept).toBeLessThan(all)
    })

    it('are two for each quiet hour, and all of an hour in which something happens', async () => {
      const fallsAt = 7 * 60 + 30
      const rows = Array.from({ length: 24 * 60 }, (_, minute) =>
        register(minute + 1, BigInt(minute), minute < fallsAt ? 500_000 + minute : minute),
      )
      await writeAll(store, rows, 500)
      const thinned = await registers()
      const perHour = Map.groupBy(thinned, ({ timeNs }) => (timeNs - DAY_START_NS) / HOUR_NS)
      expect([...perHour.values()].map(({ length }) => length)).toEqual(
        Array.from({ length: 24 }, (_, hour) => (hour === 7 ? 60 : 2)),
      )
    })

    it('are all of an hour that rises by more than it can, step by possible step', async () => {
      // 2 kWh a minute: less than a minute at 72 kW and one step, but 120 kW over the hour.
      const rows = Array.from({ length: 180 }, (_, minute) =>
        register(minute + 1, BigInt(minute), 1000 + 2 * minute),
      )
      await writeAll(store, rows)
      const buckets = bucketsOf(SPAN, HOUR_NS)
      const whole = piecesOf(await registers({ cellNs: null }), 'acme.m1', buckets)
      expect(piecesOf(await registers(), 'acme.m1', buckets)).toEqual(whole)
      expect(whole[1]?.energyJ).toBe(120n * 3_600_000n)
    })

    it('are all around a rise that is taken back in the next hour', async () => {
      const wrong = new Set([59, 60])
      const rows = Array.from({ length: 180 }, (_, minute) =>
        register(
          minute + 1,
          BigInt(minute),
          1000 + minute + (minute < 30 ? 0 : 100) + (wrong.has(minute) ? 300 : 0),
        ),
      )
      await writeAll(
        store,
        rows.map((row) => ({ ...row, device: 'borg.m2' })),
      )
      const buckets = bucketsOf(SPAN, HOUR_NS)
      const whole = piecesOf(await registers({ cellNs: null }), 'borg.m2', buckets)
      expect(whole[0]?.energyJ).toBeGreaterThan(155n * 3_600_000n)
      expect(piecesOf(await registers(), 'borg.m2', buckets)).toEqual(whole)
    })

    it('come with the nearest ones before and behind the span, and no further than told', async () => {
      const days = [-9n, -2n, -1n, 0n, 2n, 3n, 20n]
      const rows = days.map((day, at) => register(at + 1, day * 1440n + 5n, 100 + at))
      await writeAll(store, rows)
      const span = { fromNs: DAY_START_NS, toNs: DAY_START_NS + DAY_NS }
      for (const cellNs of [HOUR_NS, null]) {
        const energies = (await registers({ ...span, cellNs })).map(({ energyKwh }) => energyKwh)
        expect(energies).toEqual([101, 102, 103, 104, 105])
        expect(await registers({ ...span, cellNs, lookNs: HOUR_NS })).toHaveLength(1)
      }
    })

    it('come with eight before and after, of a busy meter and of one that is seldom read', async () => {
      // Every 10 minutes, and every 5 hours: of the second only one or two lie within 6 hours.
      const busy = Array.from({ length: 60 }, (_, at) =>
        register(at + 1, BigInt(at * 10 - 300), at),
      )
      const seldom = Array.from({ length: 24 }, (_, at) =>
        register(at + 61, BigInt(at * 300 - 3570), 5000 + at, {}, { device: 'borg.m2' }),
      )
      await writeAll(store, [...busy, ...seldom])
      const rows = await registers({
        fromNs: DAY_START_NS,
        toNs: DAY_START_NS + HOUR_NS,
        cellNs: null,
      })
      const of = (device: string) =>
        rows.filter((row) => row.device === device).map(({ energyKwh }) => energyKwh)
      expect(of('acme.m1')).toEqual(Array.from({ length: 8 + 6 + 8 }, (_, at) => 22 + at))
      expect(of('borg.m2')).toEqual(Array.from({ length: 8 + 1 + 8 }, (_, at) => 5004 + at))
    })

    it('show a meter all that is needed to judge it, and a caller his scope', async () => {
      const fields = { meterId: '660', status: 'DRY', operatingHoursH: 77 }
      const flags = FLAGS.sensor_error | FLAGS.late
      await writeAll(store, [
        register(1, 1n, 5, { ...fields }, { flags }),
        register(2, 2n, 6, {}, { device: 'borg.m2' }),
        register(3, 3n, 7, {}, { device: 'borg.other' }),
        reading(4, { device: 'acme.m1', kind: 'heat_meter', fields: { powerKw: 3 } }),
        register(5, 5n, 8, {}, { kind: 'energy_meter' }),
      ])
      const rows = await registers()
      expect(rows[0]).toEqual({
        device: 'acme.m1',
        timeNs: DAY_START_NS + MINUTE_NS,
        energyKwh: 5,
        ...fields,
        flags: ['late', 'sensor_error'],
      })
      expect(rows.map(({ energyKwh }) => energyKwh)).toEqual([5, 8, 6])
      const scope = { ...ALL, tenants: ['borg'] }
      expect((await registers({ scope })).map(({ energyKwh }) => energyKwh)).toEqual([6])
      expect(await registers({ scope: { ...ALL, kinds: ['truck'] } })).toEqual([])
      expect(await registers({ meters: [] })).toEqual([])
    })

    it('are refused as too many beyond the limit', async () => {
      const rows = Array.from({ length: 50 }, (_, at) => register(at + 1, BigInt(at) * 60n, at))
      await writeAll(store, rows)
      const span = { toNs: DAY_START_NS + 3n * DAY_NS }
      expect(await registers({ ...span, maxRows: 50 })).toHaveLength(50)
      for (const cellNs of [HOUR_NS, null]) {
        const result = await store.reader.registers({ ...scan, ...span, cellNs, maxRows: 49 })
        expect(result).toEqual({ tooMany: true, limit: 49 })
      }
    })
  })
}

const scan: RegistersScan = {
  ...SPAN,
  scope: { ...ALL, kinds: ['heat_meter', 'energy_meter'] },
  meters: DEVICES.map((device) => {
    const { limitW, stepJ } = registerRules(METERS[device])
    return { device, limitKw: Number(limitW) / 1000, stepKwh: kwhOfJoules(stepJ) }
  }),
  cellNs: HOUR_NS,
  lookNs: 7n * DAY_NS,
  maxRows: 100_000,
}

function register(
  position: number,
  minute: bigint,
  energyKwh: number,
  more: Readonly<Record<string, FieldValue>> = {},
  over: Partial<Reading> = {},
): Reading {
  const timeNs = DAY_START_NS + minute * MINUTE_NS
  const fields = { energyKwh, ...more }
  return reading(position, { device: 'acme.m1', kind: 'heat_meter', timeNs, fields, ...over })
}

/** Registers every few minutes, on which everything happens that a meter can do. */
function randomRegisters(random: Random): Reading[] {
  const rows: Reading[] = []
  for (const device of DEVICES) {
    const stepS = random.pick([60, 300, 600])
    const power = random.pick([2, 30, 58])
    const trouble = random.pick([0.002, 0.01, 0.05])
    const meter = { energy: random.integer(0, 999_999), id: 1, status: 'OK', hours: 500 }
    let timeNs = SPAN.fromNs - 5n * HOUR_NS
    while (timeNs < SPAN.toNs + 5n * HOUR_NS) {
      timeNs += BigInt(stepS + random.integer(-20, 20)) * SECOND_NS
      meter.energy += (random.next() * power * stepS) / 3600
      const event = random.next() < trouble ? random.pick(EVENTS) : 'none'
      if (event === 'gap') timeNs += BigInt(random.integer(10, 400)) * MINUTE_NS
      if (event === 'reset') meter.energy = random.integer(0, 50)
      if (event === 'level') meter.energy += 3e7
      // Impossible within minutes, possible within the hour: the row right after it decides.
      if (event === 'shift') meter.energy += 45
      if (event === 'exchange') Object.assign(meter, { id: meter.id + 1, energy: 10, hours: 1 })
      if (event === 'status') meter.status = random.pick(STATES)
      const shown = shownOf(event, meter, random)
      const flags = event === 'clock' ? FLAGS.clock_invalid : 0
      const one = { device, kind: 'heat_meter' as const, timeNs, fields: shown, flags }
      rows.push(reading(rows.length + 1, one))
      if (event === 'copy') rows.push(reading(rows.length + 1, one))
      if (event === 'twin') {
        const fields = { ...shown, energyKwh: random.integer(0, 999_999) }
        rows.push(reading(rows.length + 1, { ...one, fields }))
      }
    }
  }
  return rows
}

const EVENTS = [
  ...(['gap', 'reset', 'level', 'exchange', 'status', 'spike', 'dip', 'clock', 'copy'] as const),
  ...(['shift', 'shift', 'twin', 'negative', 'nameless', 'none'] as const),
]
const STATES = ['OK', 'DRY', 'LOW_BATTERY', 'OK', 'WRONG_FLOW_DIRECTION']

function shownOf(
  event: (typeof EVENTS)[number],
  meter: { energy: number; id: number; status: string; hours: number },
  random: Random,
): Record<string, FieldValue> {
  const whole = Math.floor(meter.energy)
  const wrong = { spike: whole + 5e7, dip: Math.floor(whole / 2), negative: -3, clock: whole - 40 }
  const energyKwh = event in wrong ? wrong[event as keyof typeof wrong] : whole
  const named = event === 'nameless' ? {} : { meterId: `m${meter.id}` }
  const hours = random.next() < 0.999 ? { operatingHoursH: meter.hours } : {}
  return { energyKwh, status: meter.status, ...named, ...hours }
}

function bucketsOf({ fromNs, toNs }: Span, everyNs: bigint | null): Span[] {
  if (everyNs === null) return [{ fromNs, toNs }]
  const buckets: Span[] = []
  for (let from = fromNs; from < toNs; from = buckets.at(-1)?.toNs ?? toNs) {
    const next = (from / everyNs + 1n) * everyNs
    buckets.push({ fromNs: from, toNs: next < toNs ? next : toNs })
  }
  return buckets
}

/** Energies and times: the intervals of a quiet hour are fewer, and no more than that. */
function piecesOf(rows: readonly RegisterRow[], device: keyof typeof METERS, buckets: Span[]) {
  const mine = rows.filter((row) => row.device === device)
  const pieces = heatPieces(heatIntervals(mine, METERS[device]), buckets)
  return pieces.map(({ intervals, ...piece }: HeatPiece) => ({
    ...piece,
    missing: intervals.missing,
  }))
}
