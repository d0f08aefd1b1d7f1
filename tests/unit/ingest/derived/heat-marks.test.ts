import { describe, expect, it } from 'vitest'
import { createRandom } from '#lib/runtime/random.ts'
import type { Device } from '#lib/registry/registry.ts'
import type { RegisterRow } from '#lib/telemetry/heat.ts'
import { ALL } from '#lib/telemetry/scope.ts'
import { answerHeat, type RecoveredHeatRow } from '#lib/queries/recovered-heat.ts'
import { isTooMany } from '#lib/telemetry/too-many.ts'
import { queryContext } from '../../../support/query-context.ts'
import { NOW_NS, createTestClock, openMarksPlace } from './marks-fixture.ts'

const MINUTE_NS = 60_000_000_000n
const HOUR_NS = 60n * MINUTE_NS
/** Less than the neighbours of a reading are looked for: a result does not depend on its span. */
const HOURS = 140
const SEEDS = process.env['SEED'] ? [Number(process.env['SEED'])] : [1, 2, 3, 4, 5, 6, 7, 8]

const meter: Device = {
  id: 'varme.m1',
  tenant: 'varme',
  name: '',
  kind: 'heat_meter',
  format: 'native',
  topics: [],
  gateway: false,
  site: null,
  settings: { role: 'delivered', town: 'Bov', maxPowerKw: 100 },
  secretNames: [],
  createdAt: '',
}

/*
 * Registers of one meter come in any order, with gaps, jumps, resets and other faults. After every
 * batch only the hours that are marked are computed again. Whatever came, the hours then are those
 * that one query over everything returns.
 */
describe('hours that are computed again when they are marked', () => {
  it.each(SEEDS)('are those of one query over everything (SEED=%i)', async (seed) => {
    const random = createRandom(seed)
    const clock = createTestClock((NOW_NS / HOUR_NS) * HOUR_NS + HOUR_NS)
    const place = openMarksPlace(clock)
    const marker = place.open()
    const rows: RegisterRow[] = []
    const shown = new Map<bigint, RecoveredHeatRow>()
    try {
      for (const batch of batchesOf(registersOf(random, clock.nowNs()), random)) {
        rows.push(...batch)
        marker.touched(batch.map((row) => ({ ...row, kind: 'heat_meter' })))
        marker.save(1)
        for (const { fromNs, toNs } of place.takeAll('hour', random.integer(1, 30))) {
          const end = toNs < clock.nowNs() ? toNs : clock.nowNs()
          for (const row of await heatOf(rows, { fromNs, toNs: end })) {
            shown.set(row.time ?? 0n, row)
          }
        }
        const first = [...shown.keys()].reduce((least, at) => (at < least ? at : least))
        const wanted = await heatOf(rows, { fromNs: first, toNs: clock.nowNs() })
        expect([...shown.values()].toSorted(byTime)).toEqual(wanted)
      }
    } finally {
      place.close()
    }
  })

  async function heatOf(rows: readonly RegisterRow[], span: { fromNs: bigint; toNs: bigint }) {
    const answer = await answerHeat(
      queryContext({
        store: { registers: async () => rows },
        heat: { devices: () => [meter] },
        nowNs: NOW_NS + 2n * HOUR_NS,
      }),
      { scope: ALL, boundaries: ['delivered'], by: [], every: '1h', ...span },
    )
    if (isTooMany(answer)) throw new Error('too many registers')
    return answer.rows
  }
})

type Random = ReturnType<typeof createRandom>

function registersOf(random: Random, endNs: bigint): RegisterRow[] {
  let energyKwh = 1000
  let timeNs = endNs - BigInt(HOURS) * HOUR_NS
  const rows: RegisterRow[] = []
  while (timeNs < endNs) {
    const dice = random.next()
    energyKwh += random.integer(0, 20)
    const isJump = dice < 0.06
    if (dice > 0.97) energyKwh = random.integer(0, 50)
    rows.push({
      device: meter.id,
      timeNs,
      energyKwh: isJump ? energyKwh + 1_000_000 : energyKwh,
      meterId: dice > 0.9 && dice < 0.93 ? String(random.integer(1, 2)) : null,
      flags: dice > 0.88 && dice < 0.9 ? ['sensor_error'] : [],
      status: null,
      operatingHoursH: null,
    })
    const minutes = dice > 0.8 && dice < 0.86 ? random.integer(60, 900) : random.integer(1, 90)
    timeNs += BigInt(minutes) * MINUTE_NS
  }
  return rows
}

/** In order for the most part; some are put off by many places. */
function* batchesOf(rows: readonly RegisterRow[], random: Random): Generator<RegisterRow[]> {
  const late: RegisterRow[] = []
  let batch: RegisterRow[] = []
  for (const row of rows) {
    if (random.next() < 0.1) late.push(row)
    else batch.push(row)
    if (late.length > 0 && random.next() < 0.05) batch.push(...late.splice(0, 3))
    if (batch.length >= random.integer(1, 12)) {
      yield batch
      batch = []
    }
  }
  yield [...batch, ...late]
}

function byTime(a: RecoveredHeatRow, b: RecoveredHeatRow): number {
  return (a.time ?? 0n) < (b.time ?? 0n) ? -1 : 1
}
