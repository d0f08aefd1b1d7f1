import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '#lib/store/store.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { DelaysScan } from '#lib/store/scans.ts'
import { isTooMany } from '#lib/telemetry/too-many.ts'
import { ALL, WIDE, writeAll, type StorePlace } from './store-fixture.ts'
import { DAY_START_NS, SECOND_NS, reading, readingsFrom } from './store-rows.ts'

/** What a store promises of messages in order, for figures that need each of them. */
export function delaysContract(create: () => StorePlace): void {
  describe('delays', () => {
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

    const delays = async (over: Partial<DelaysScan> = {}) => {
      const rows = await store.reader.delays({ scope: ALL, ...WIDE, maxRows: 1000, ...over })
      if (isTooMany(rows)) throw new Error('expected rows, got too many')
      return rows
    }

    it('come in the order of arrival, per device and channel, each message once', async () => {
      const late = { timeNs: DAY_START_NS, seq: 1 }
      await writeAll(store, [
        reading(1, { device: 'borg.t1' }),
        reading(2, { seq: 2 }),
        reading(3, { ...late }),
        reading(4, { channel: 'status', seq: 9 }),
        // One message with a reading of the truck and one of its radio.
        reading(5, { seq: 3 }),
        reading(5, { seq: 3, readingOrdinal: 1, kind: 'radio', fields: { pci: 1 } }),
        // Two messages in one array.
        reading(6, { seq: 4 }),
        reading(6, { seq: 5, readingOrdinal: 1, timeNs: DAY_START_NS + 7n * SECOND_NS }),
      ])
      const places = (await delays()).map(
        ({ device, channel, seq }) => `${device} ${channel} ${seq}`,
      )
      expect(places).toEqual([
        'acme.t1 status 9',
        ...[2, 1, 3, 4, 5].map((seq) => `acme.t1 telemetry ${seq}`),
        'borg.t1 telemetry 1',
      ])
      expect(await delays({ scope: { ...ALL, tenants: ['borg'] } })).toHaveLength(1)
    })

    it('mark what was never live, which only tells its number, and which of the others count', async () => {
      const at = { timeNs: DAY_START_NS, receivedAtNs: DAY_START_NS + 40_000_000n }
      const probe = { ...at, kind: 'probe' as const }
      await writeAll(store, [
        reading(1, { ...at, uplinkMs: 12.5, clockBoundMs: 2 }),
        reading(2, { ...at, flags: FLAGS.late }),
        reading(3, { ...at, flags: FLAGS.clock_invalid }),
        reading(4, { ...at, flags: FLAGS.not_live }),
        reading(8, { ...at, flags: FLAGS.not_live, seq: null }),
        reading(5, { timeNs: DAY_START_NS, receivedAtNs: DAY_START_NS }),
        reading(6, { ...probe, fields: { rttMs: 21.5 } }),
        reading(7, { ...probe, fields: { rttMs: -3 } }),
      ])
      const rows = await delays()
      expect(
        rows
          .filter(({ live }) => live)
          .map(({ seq, counts, isLate, timed, rttMs }) => [seq, counts, isLate, timed, rttMs]),
      ).toEqual([
        [1, true, false, true, null],
        [2, false, true, true, null],
        [3, false, false, false, null],
        [5, true, false, false, null],
        [6, true, false, true, 21.5],
        [7, true, false, true, null],
      ])
      expect(rows[0]).toMatchObject({ ...at, uplinkMs: 12.5, clockBoundMs: 2 })
      expect(rows.filter(({ live }) => !live)).toMatchObject([{ seq: 4, counts: false }])
    })

    it('of other kinds than the scope come too, since they share the numbers, but unwanted', async () => {
      const both = { timeNs: DAY_START_NS + 4n * SECOND_NS, seq: 4 }
      await writeAll(store, [
        reading(1, { seq: 1 }),
        reading(2, { seq: 2, kind: 'probe', fields: { rttMs: 20 } }),
        reading(3, { seq: 3 }),
        // Of one message the reading of a wanted kind is kept.
        reading(4, { ...both }),
        reading(4, { ...both, readingOrdinal: 1, kind: 'probe', fields: { rttMs: 21 } }),
      ])
      const rowsOf = async (kinds: DelaysScan['scope']['kinds']) =>
        (await delays({ scope: { ...ALL, kinds } })).map(({ seq, rttMs, isWanted }) => [
          seq,
          rttMs,
          isWanted,
        ])
      expect(await rowsOf(['probe'])).toEqual([
        [1, null, false],
        [2, 20, true],
        [3, null, false],
        [4, 21, true],
      ])
      expect(await rowsOf(['truck'])).toEqual([
        [1, null, true],
        [2, 20, false],
        [3, null, true],
        [4, null, true],
      ])
    })

    it('are refused as too many beyond the limit', async () => {
      await writeAll(store, readingsFrom(1, 20))
      expect(await delays({ maxRows: 20 })).toHaveLength(20)
      const result = await store.reader.delays({ scope: ALL, ...WIDE, maxRows: 19 })
      expect(result).toEqual({ tooMany: true, limit: 19 })
    })
  })
}
