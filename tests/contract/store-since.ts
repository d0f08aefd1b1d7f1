import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRandom } from '#lib/runtime/random.ts'
import type { Store } from '#lib/store/store.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { SinceScan } from '#lib/store/scans.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import { ALL, seedOfRun, shown, writeAll, type StorePlace } from './store-fixture.ts'
import { DAY_NS, DAY_START_NS, randomFleet, reading, readingsFrom } from './store-rows.ts'

const START = { position: 0, readingOrdinal: -1 }

/** What a store promises of rows in the order of the journal (scan `since`). */
export function sinceContract(create: () => StorePlace): void {
  describe('rows since a position', () => {
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

    const since = (over: Partial<SinceScan>) =>
      store.reader.since({ scope: ALL, after: START, toPosition: 1e9, limit: 1000, ...over })

    const seed = seedOfRun()
    it(`gives every row once, in the order of the journal, page by page (SEED=${seed})`, async () => {
      const random = createRandom(seed)
      const rows = randomFleet({ seed, messages: 400 })
      await writeAll(store, rows)
      const sorted = rows.toSorted(
        (a, b) => a.position - b.position || a.readingOrdinal - b.readingOrdinal,
      )
      const found: ReadingRow[] = []
      let after: SinceScan['after'] = START
      for (;;) {
        const { data } = await since({ after, limit: random.integer(1, 60) })
        const last = data.at(-1)
        if (!last) break
        found.push(...data)
        after = { position: last.position, readingOrdinal: last.readingOrdinal }
      }
      expect(found).toEqual(sorted.map(shown))
    })

    it('begins after a place, ends with a position, and keeps to the scope', async () => {
      const rows = [
        ...readingsFrom(1, 4),
        reading(5, { device: 'beta.t1' }),
        reading(5, { device: 'beta.t1', readingOrdinal: 1, kind: 'radio', fields: { pci: 7 } }),
        reading(6, { kind: 'heat_meter', fields: { energyKwh: 1 } }),
        reading(7, { timeNs: DAY_START_NS - 30n * DAY_NS }),
      ]
      await writeAll(store, rows)
      const places = async (over: Partial<SinceScan>) =>
        (await since(over)).data.map(
          ({ position, readingOrdinal }) => `${position}.${readingOrdinal}`,
        )
      const after = { position: 5, readingOrdinal: 0 }
      expect(await places({ after })).toEqual(['5.1', '6.0', '7.0'])
      expect(await places({ after: { position: 5, readingOrdinal: -1 }, toPosition: 5 })).toEqual([
        '5.0',
        '5.1',
      ])
      expect(await places({ after: { position: 7, readingOrdinal: 0 } })).toEqual([])
      expect(await places({ scope: { ...ALL, tenants: ['beta'] } })).toEqual(['5.0', '5.1'])
      expect(await places({ scope: { ...ALL, devices: [] } })).toEqual([])
      const kinds = { ...ALL, kinds: ['radio', 'heat_meter'] as const }
      expect(await places({ scope: kinds })).toEqual(['5.1', '6.0'])
    })

    it('gives the time when the first row came that was neither retained nor replayed', async () => {
      const old = { receivedAtNs: DAY_START_NS - DAY_NS, flags: FLAGS.not_live }
      await writeAll(store, [reading(1, old), reading(2), reading(3)])
      expect((await since({})).receivedFromNs).toBe(reading(2).receivedAtNs)
      expect((await since({ toPosition: 1 })).receivedFromNs).toBeNull()
    })
  })
}
