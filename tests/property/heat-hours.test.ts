import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom, type Random } from '#lib/runtime/random.ts'
import type { Device } from '#lib/registry/registry.ts'
import type { RegisterRow } from '#lib/telemetry/heat.ts'
import type { HeatQuery } from '#lib/queries/heat/recovered-rows.ts'
import type { RegistersScan } from '#lib/store/scans.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { HeatHours } from '#lib/queries/heat/hours.ts'
import { answerHeat } from '#lib/queries/recovered-heat.ts'
import { queryContext } from '../support/query-context.ts'
import { timesRuns } from '../support/random-runs.ts'

const SEED = Number(process.env['SEED'] ?? 20261125)
const HOUR_NS = 3_600_000_000_000n
const MINUTE_NS = HOUR_NS / 60n
/** 2026-10-20T00:00:00Z: the clock change of October lies within. */
const START_NS = 1_792_454_400_000_000_000n
const DAYS = 8
const ALL = { tenants: null, devices: null, kinds: null }

function meter(name: string): Device {
  const own = { topics: [], gateway: false, site: null, secretNames: [], createdAt: '' }
  const settings = { role: 'delivered', town: name, maxPowerKw: 500, registerStep: 1 }
  const about = { kind: 'heat_meter', format: 'native' } as const
  return { id: `acme.${name}`, tenant: 'acme', name, ...about, ...own, settings }
}

const DEVICES = ['a', 'b', 'c'].map(meter)

function row(device: string, timeNs: bigint, energyKwh: number, random: Random): RegisterRow {
  const flags = random.next() < 0.001 ? (['sensor_error'] as const) : []
  const more = { meterId: null, flags, status: 'OK', operatingHoursH: null }
  return { device, timeNs, energyKwh, ...more }
}

/** Registers every 20 minutes or so, with gaps of up to a day, falls and jumps. */
function registersOf(device: string, random: Random): RegisterRow[] {
  const rows: RegisterRow[] = []
  let energyKwh = random.integer(0, 1000)
  let timeNs = START_NS + BigInt(random.integer(0, 59)) * MINUTE_NS
  while (timeNs < START_NS + BigInt(DAYS * 24) * HOUR_NS) {
    rows.push(row(device, timeNs, energyKwh, random))
    const stepMin = random.next() < 0.002 ? random.integer(60, 1440) : random.integer(5, 35)
    const chance = random.next()
    if (chance < 0.001) energyKwh = random.integer(0, 50)
    else if (chance < 0.002) energyKwh += 100_000
    else energyKwh += Math.floor((random.next() * 400 * stepMin) / 60)
    timeNs += BigInt(stepMin) * MINUTE_NS
  }
  return rows
}

/** The registers of a scan as a store gives them: its span, and the nearest on either side. */
function storeOf(rows: RegisterRow[]) {
  return async ({ fromNs, toNs, meters }: RegistersScan) =>
    meters.flatMap(({ device }) => {
      const own = rows
        .filter((one) => one.device === device)
        .toSorted((a, b) => (a.timeNs < b.timeNs ? -1 : 1))
      const before = own.filter(({ timeNs }) => timeNs < fromNs).slice(-8)
      const within = own.filter(({ timeNs }) => timeNs >= fromNs && timeNs < toNs)
      const behind = own.filter(({ timeNs }) => timeNs >= toNs).slice(0, 8)
      return [...before, ...within, ...behind]
    })
}

function readingOf({ device, timeNs }: RegisterRow): Reading {
  // Only what the hours look at.
  return { device, kind: 'heat_meter', timeNs } as Reading
}

describe(`hours of heat that are known (SEED=${SEED})`, () => {
  it('equal a recomputation from all readings, after any queries and arrivals', async () => {
    let shorter = 0
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = createRandom(seed)
        const rows = DEVICES.flatMap(({ id }) => registersOf(id, random))
        const later = rows.splice(0).filter((one) => {
          const comesLater = random.next() < 0.001 || one.timeNs > START_NS + 150n * HOUR_NS
          if (!comesLater) rows.push(one)
          return comesLater
        })
        const hours = new HeatHours()
        const store = storeOf(rows)
        let askedNs = 0n
        const registers = (scan: RegistersScan) => {
          askedNs += scan.toNs - scan.fromNs
          return store(scan)
        }
        const nowNs = START_NS + 400n * HOUR_NS
        const devices = () => DEVICES
        const plain = queryContext({ store: { registers }, heat: { devices }, nowNs })
        const known = queryContext({ store: { registers }, heat: { devices, hours }, nowNs })
        for (let n = 0; n < 12; n += 1) {
          const query = randomQuery(random)
          askedNs = 0n
          const shown = await answerHeat(known, query)
          if (askedNs < query.toNs - query.fromNs) shorter += 1
          expect(shown).toEqual(await answerHeat(plain, query))
          const came = later.splice(0, random.pick([0, 0, 0, 20]))
          rows.push(...came)
          hours.stored(came.map(readingOf))
        }
      }),
      { seed: SEED, numRuns: timesRuns(40) },
    )
    // Else this test would compare one way with itself.
    expect(shorter).toBeGreaterThan(20)
  })
})

function randomQuery(random: Random): HeatQuery {
  const from = random.pick([0, 2, 5, 5, 24, 30])
  const offset = random.pick([0n, 0n, 17n * MINUTE_NS])
  const to = random.integer(from + 30, DAYS * 24)
  return {
    scope: ALL,
    boundaries: ['delivered'],
    by: random.pick([[], ['town'] as const]),
    every: random.pick([null, '1h', '6h', 'P1D']),
    fromNs: START_NS + BigInt(from) * HOUR_NS + offset,
    toNs: START_NS + BigInt(to) * HOUR_NS + offset,
  }
}
