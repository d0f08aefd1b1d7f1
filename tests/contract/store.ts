import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isPlatformError } from '#lib/runtime/errors.ts'
import type { Identity, Store } from '#lib/store/store.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { AggregatesScan, ReadingsScan } from '#lib/store/scans.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import type { Page } from '#lib/telemetry/page.ts'
import { figuresContract } from './store-figures.ts'
import { delaysContract } from './store-delays.ts'
import { countersContract } from './store-counters.ts'
import { registersContract } from './store-registers.ts'
import { sinceContract } from './store-since.ts'
import {
  ALL,
  LIMITS,
  WIDE,
  expectRows,
  latencyOf,
  readAll,
  seedOfRun,
  shown,
  throughputOf,
  type StorePlace,
  writeAll,
} from './store-fixture.ts'
import {
  DAY_NS,
  DAY_START_NS,
  HOUR_NS,
  JOURNAL,
  MINUTE_NS,
  SECOND_NS,
  batchesOf,
  randomFleet,
  reading,
  readingsFrom,
} from './store-rows.ts'

/** What every store of readings promises (lib/store/store.ts). Each test has a place of its own. */
export function storeContract(name: string, create: () => StorePlace): void {
  describe(`${name} store`, () => {
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
    const reopen = async (over = {}) => {
      await store.upkeep.close()
      const opened = await place.open(over)
      store = opened.store
      return opened
    }

    it('gives back exactly what was written', async () => {
      const rows = [
        reading(1, {
          timeNs: DAY_START_NS + 123_456_789n,
          receivedAtNs: DAY_START_NS + 987_654_321n,
          seq: Number.MAX_SAFE_INTEGER,
          flags: FLAGS.duplicate_time | FLAGS.out_of_range | FLAGS.not_live,
          fields: {
            lat: 54.83150000000001,
            lon: -0.1,
            odometerM: 9_007_199_254_740_991,
            speedKmh: 5e-324,
            ignition: false,
            driverState: 'it\'s "wörk" 🚚 \\ ; --',
          },
          radio: { rat: 'nr-sa', rsrpDbm: -85.5, cellId: '5C422503D', band: 'n78' },
          hash: 2n ** 64n - 1n,
          claimedTimeNs: 7n,
        }),
        reading(2, { seq: null, fields: { triggerType: '' }, radio: { operator: '238-01' } }),
        reading(2, {
          readingOrdinal: 1,
          seq: 0,
          bytes: 0,
          kind: 'robot',
          fields: { xM: -0, paused: true },
        }),
        reading(3, { kind: 'heat_meter', fields: { energyKwh: 1e11, medium: 'heat' } }),
        reading(4, { kind: 'radio', fields: { rat: 'lte', pci: 7 }, radio: { rat: 'lte' } }),
      ]
      await writeAll(store, rows)
      await expectRows(store, rows)
      await reopen({ expected: store.writer.positions() })
      await expectRows(store, rows)
    })

    it('keeps random fleets over days and months, in any batches', async () => {
      const seed = seedOfRun()
      const startNs = DAY_START_NS + 5n * DAY_NS
      const rows = randomFleet({ seed, messages: 300, startNs, stepNs: 900n * SECOND_NS })
      await writeAll(store, rows, 1 + (seed % 120))
      expect(Object.keys(store.writer.positions()).length, `SEED=${seed}`).toBeGreaterThan(2)
      await expectRows(store, rows)
    })

    it('leaves the rows of one where a batch is given twice', async () => {
      const rows = randomFleet({ seed: 7, messages: 120 })
      const batches = batchesOf(rows, 40)
      for (const batch of batches) {
        await store.writer.write(batch)
        await store.writer.write(batch)
      }
      await reopen({ expected: store.writer.positions() })
      for (const batch of batches) await store.writer.write(batch)
      await expectRows(store, rows)
    })

    it('pages through each row once, in order, whatever the size of the page', async () => {
      // Equal times, so that device, position and index decide.
      const rows = randomFleet({ seed: 11, messages: 150, stepNs: 0n }).map((row) => ({
        ...row,
        timeNs: DAY_START_NS + (row.timeNs % 5n) * SECOND_NS,
        kind: 'truck' as const,
        fields: { speedKmh: 1 },
      }))
      await writeAll(store, rows)
      const keys = rows.map(({ timeNs, device, position, readingOrdinal }) => ({
        timeNs,
        device,
        position,
        readingOrdinal,
      }))
      const ordered = keys.toSorted(
        (a, b) =>
          Number(a.timeNs - b.timeNs) ||
          (a.device < b.device ? -1 : Number(a.device > b.device)) ||
          a.position - b.position ||
          a.readingOrdinal - b.readingOrdinal,
      )
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 200 }),
          fc.constantFrom('asc' as const, 'desc' as const),
          async (limit, order) => {
            const query = {
              scope: ALL,
              ...WIDE,
              kind: 'truck',
              fields: null,
              order,
              limit,
            } as const
            const seen: unknown[] = []
            let cursor: string | null = null
            do {
              const page: Page<ReadingRow> = await store.reader.readings({ ...query, cursor })
              expect(page.data.length).toBeLessThanOrEqual(limit)
              for (const { timeNs, device, position, readingOrdinal } of page.data) {
                seen.push({ timeNs, device, position, readingOrdinal })
              }
              cursor = page.next
            } while (cursor !== null)
            expect(seen).toEqual(order === 'asc' ? ordered : ordered.toReversed())
          },
        ),
        { numRuns: 12, seed: seedOfRun() },
      )
    })

    it('shows a caller its scope, its span and its fields alone', async () => {
      const rows = randomFleet({ seed: 13, messages: 200 })
      await writeAll(store, rows)
      const scoped = async (over: Partial<ReadingsScan>) => readAll(store, over)
      const borg = await scoped({ scope: { ...ALL, tenants: ['borg'] } })
      expect(borg).toEqual(rows.filter(({ tenant }) => tenant === 'borg').map(shown))
      const one = await scoped({ scope: { ...ALL, devices: ['acme.t1'], kinds: ['probe'] } })
      const isOne = (row: { device: string; kind: string }) =>
        row.device === 'acme.t1' && row.kind === 'probe'
      expect(one).toEqual(rows.filter(isOne).map(shown))
      expect(await scoped({ scope: { ...ALL, tenants: [] } })).toEqual([])
      expect(await scoped({ scope: { ...ALL, devices: ["x' OR true --"] } })).toEqual([])
      expect(await scoped({ scope: { ...ALL, tenants: ['borg'], devices: ['acme.t1'] } })).toEqual(
        [],
      )
      const [first] = await scoped({ kind: 'truck', fields: ['speedKmh', 'nonsense'] })
      expect(Object.keys(first?.fields ?? {})).toEqual(['speedKmh'])
      const { timeNs } = rows[50] ?? reading(1)
      const cut = await scoped({ fromNs: timeNs, toNs: timeNs + 1n })
      expect(cut.map((row) => row.timeNs)).toEqual([timeNs])
    })

    it.each(['asc', 'desc'] as const)(
      'pages through the readings over the radio technologies chosen, %s',
      async (order) => {
        const radios = [{ rat: 'lte' }, { rat: 'nr-sa' }, { band: 'n78' }, null] as const
        const rows = radios.flatMap((radio, at) =>
          readingsFrom(at * 10 + 1, at * 10 + 7, { radio }),
        )
        await writeAll(store, rows)
        const positions = async (rats: NonNullable<ReadingsScan['rats']> | null) =>
          (await readAll(store, { kind: 'truck', rats, order, limit: 3 })).map(
            (row) => row.position,
          )
        const all = rows.map(({ position }) => position)
        const [lte, sa, none] = [all.slice(0, 7), all.slice(7, 14), all.slice(14)]
        expect(await positions(['lte'])).toEqual(lte)
        expect(await positions(['nr-sa', 'none'])).toEqual([...sa, ...none])
        expect(await positions(['nr-nsa'])).toEqual([])
        expect(await positions(null)).toEqual(all)
      },
    )

    it('aggregates gauges, counters and states by device and interval', async () => {
      const at = (position: number, second: bigint, fields: object, flags = 0) =>
        reading(position, {
          timeNs: DAY_START_NS + second * SECOND_NS,
          fields: { ...fields },
          flags,
        })
      await writeAll(store, [
        at(1, 0n, { speedKmh: 10, odometerM: 100, driverState: 'REST' }),
        at(2, 30n, { speedKmh: 30, odometerM: 150, driverState: 'DRIVE', ignition: true }),
        // Arrives last, was measured in between: first, last and state go by its own time.
        at(3, 20n, { speedKmh: 20, odometerM: 120, driverState: 'WORK' }),
        at(4, 40n, { speedKmh: 900 }, FLAGS.out_of_range),
        at(5, 41n, { speedKmh: 77 }, FLAGS.implausible_jump),
        at(6, 60n, { odometerM: 160 }),
      ])
      const query = {
        scope: ALL,
        ...WIDE,
        kind: 'truck',
        fields: ['speedKmh', 'odometerM', 'driverState', 'ignition'],
        everyNs: MINUTE_NS,
        limit: 1,
        cursor: null,
      } as const satisfies AggregatesScan
      const first = await store.reader.aggregates(query)
      expect(first.data).toEqual([
        {
          timeNs: DAY_START_NS,
          device: 'acme.t1',
          kind: 'truck',
          count: 5,
          fields: {
            speedKmh: { min: 10, mean: 20, max: 30 },
            odometerM: { first: 100, last: 150, delta: 50 },
            driverState: { last: 'DRIVE' },
            ignition: { last: true },
          },
        },
      ])
      const second = await store.reader.aggregates({ ...query, cursor: first.next })
      expect(second.data).toMatchObject([
        { timeNs: DAY_START_NS + MINUTE_NS, count: 1, fields: { odometerM: { delta: 10 } } },
      ])
      expect(second.next).toBeNull()
    })

    it('knows an identity by earlier rows, and by the content of the same moment', async () => {
      const rows = [
        ...readingsFrom(1, 300),
        reading(301, { seq: null, timeNs: DAY_START_NS }),
        reading(302, { kind: 'heat_meter', fields: { energyKwh: 1 }, timeNs: DAY_START_NS }),
      ]
      await writeAll(store, rows)
      const identity = (row: (typeof rows)[number], over: Partial<Identity> = {}): Identity => {
        const { kind, device, channel, seq, timeNs, hash } = row
        return {
          kind,
          device,
          channel,
          seq,
          timeNs,
          hash,
          position: 1000,
          readingOrdinal: 0,
          ...over,
        }
      }
      const same = await store.writer.known(rows.map((row) => identity(row)))
      expect(same).toEqual(rows.map(() => 'same'))
      const [row = reading(1)] = rows
      expect(
        await store.writer.known([
          identity(row, { hash: 5n }),
          identity(row, { seq: 99 }),
          identity(row, { channel: 'other' }),
          identity(row, { device: 'acme.t2' }),
          identity(row, { timeNs: row.timeNs + 1n }),
          // The row itself and later ones do not stand before it.
          identity(row, { position: 1, readingOrdinal: 0 }),
          identity(row, { position: 1, readingOrdinal: 1 }),
        ]),
      ).toEqual(['other_content', 'unknown', 'unknown', 'unknown', 'unknown', 'unknown', 'same'])
      expect(await store.writer.known([])).toEqual([])
    })

    it('names the position up to which everything is checkpointed', async () => {
      await writeAll(store, readingsFrom(1, 100))
      const { checkpointed } = await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
      expect(checkpointed).toBe(100)
      await store.writer.write({ journal: JOURNAL, toPosition: 120, readings: [] })
      expect((await store.upkeep.maintain(DAY_START_NS + HOUR_NS + SECOND_NS)).checkpointed).toBe(
        120,
      )
      // Small and fresh: these wait in the WAL, and hold the position back until their turn.
      await writeAll(store, readingsFrom(125, 130))
      expect(
        (await store.upkeep.maintain(DAY_START_NS + HOUR_NS + 2n * SECOND_NS)).checkpointed,
      ).toBe(124)
      expect((await store.upkeep.maintain(DAY_START_NS + 2n * HOUR_NS)).checkpointed).toBe(130)
    })

    it('cancels a scan at its deadline and when its caller aborts', async () => {
      await reopen({ limits: { ...LIMITS, queryTimeoutMs: 1 } })
      await writeAll(store, randomFleet({ seed: 3, messages: 2000 }), 2000)
      const slow = {
        scope: ALL,
        ...WIDE,
        by: ['device'],
        everyNs: SECOND_NS,
        stages: ['age'],
      } as const
      await expect(latencyOf(store, slow)).rejects.toSatisfy((error) =>
        isPlatformError(error, 'QUERY_TIMEOUT'),
      )
      await reopen()
      const controller = new AbortController()
      const running = latencyOf(store, slow, controller.signal)
      controller.abort(new Error('no longer wanted'))
      await expect(running).rejects.toThrow('no longer wanted')
      expect(await latencyOf(store, slow)).not.toEqual([])
    })

    it('runs a few scans, lets some wait, and refuses the rest', async () => {
      await reopen({ limits: { ...LIMITS, queryConcurrency: 1, queryQueue: 2 } })
      await writeAll(store, readingsFrom(1, 10))
      const query = { scope: ALL, ...WIDE, by: [], everyNs: null } as const
      const running = Array.from({ length: 5 }, () => throughputOf(store, query))
      const ended = await Promise.allSettled(running)
      expect(ended.map(({ status }) => status)).toEqual([
        'fulfilled',
        'fulfilled',
        'fulfilled',
        'rejected',
        'rejected',
      ])
      const refused = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
      expect(refused.every((error) => isPlatformError(error, 'QUERY_BUSY'))).toBe(true)
      expect(await throughputOf(store, query)).toHaveLength(1)
    })

    it('serves the scan of a tenant second, however many another tenant has waiting', async () => {
      await reopen({ limits: { ...LIMITS, queryConcurrency: 1 } })
      await writeAll(store, readingsFrom(1, 10))
      const order: string[] = []
      const scan = async (tenant: string) => {
        const caller = { tenant, key: tenant }
        await store.reader.counts({ scope: ALL, ...WIDE, by: [], everyNs: null, caller })
        order.push(tenant)
      }
      await Promise.all([...Array.from({ length: 100 }, () => scan('a')), scan('b')])
      expect(order.indexOf('b')).toBe(1)
    })

    it('refuses everything once it is closed, and may be closed twice', async () => {
      await writeAll(store, readingsFrom(1, 10))
      await Promise.all([store.upkeep.close(), store.upkeep.close()])
      const closed = (error: unknown) => isPlatformError(error, 'CLOSED')
      await expect(store.writer.write(batchesOf(readingsFrom(11, 12), 2)[0]!)).rejects.toSatisfy(
        closed,
      )
      await expect(store.writer.known([])).rejects.toSatisfy(closed)
      await expect(store.upkeep.maintain(DAY_START_NS)).rejects.toSatisfy(closed)
      const query = { scope: ALL, ...WIDE, by: [], everyNs: null } as const
      await expect(throughputOf(store, query)).rejects.toSatisfy(closed)
    })

    figuresContract(create)
    sinceContract(create)
    countersContract(create)
    registersContract(create)
    delaysContract(create)
  })
}
