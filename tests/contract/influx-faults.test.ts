import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '#lib/runtime/clock.ts'
import { isPlatformError, type ErrorCode } from '#lib/runtime/errors.ts'
import type { Store } from '#lib/store/store.ts'
import { startFaultProxy, type FaultProxy } from '../support/http-fault.ts'
import { freePort, hasInfluxd, startInfluxd, type TestServer } from '../support/influxd.ts'
import { createInfluxPlace, type InfluxPlace } from './influx-place.ts'
import { ALL, WIDE, expectRows, readAll, throughputOf, writeAll } from './store-fixture.ts'
import {
  DAY_START_NS,
  HOUR_NS,
  JOURNAL,
  batchesOf,
  randomFleet,
  reading,
  readingsFrom,
} from './store-rows.ts'

const hasCode = (code: ErrorCode) => (error: unknown) => isPlatformError(error, code)

async function readingsOf(store: Store): Promise<number> {
  const scan = { scope: ALL, ...WIDE, by: [], everyNs: null } as const
  const [sum] = await throughputOf(store, scan)
  return sum?.readings ?? 0
}

describe.skipIf(!hasInfluxd)('a store in InfluxDB', { timeout: 60_000 }, () => {
  let server: TestServer
  let proxy: FaultProxy
  let place: InfluxPlace

  beforeAll(async () => {
    server = await startInfluxd()
    proxy = await startFaultProxy(server.url)
  })
  afterAll(async () => {
    await proxy?.close()
    await server?.stop()
  })
  beforeEach(() => {
    place = createInfluxPlace(server, proxy.url)
  })
  afterEach(async () => {
    proxy.inject(null)
    await place.close()
  })

  it('reports the readings that InfluxDB refuses, and counts them in no figure', async () => {
    const { store } = await place.open()
    const odd = `robot,channel=telemetry,device=acme.r9,tenant=acme xM="a text" ${DAY_START_NS}`
    await place.influx.write([odd])
    const robot = { kind: 'robot', device: 'acme.r1' } as const
    const rows = [
      ...readingsFrom(1, 200),
      reading(201, { ...robot, fields: { xM: 4 } }),
      reading(202, { ...robot, fields: { yM: 4 } }),
      reading(203, { ...robot, readingOrdinal: 3, fields: { xM: 5 } }),
    ]
    const { refused } = await store.writer.write({
      journal: JOURNAL,
      toPosition: 203,
      readings: rows,
    })
    expect(refused.map(({ position, readingOrdinal }) => [position, readingOrdinal])).toEqual([
      [201, 0],
      [203, 3],
    ])
    expect(refused[0]?.reason).toMatch(/field type conflict/)
    // The odd point is none of ours, and is not shown.
    await expectRows(store, rows.toSpliced(202, 1).toSpliced(200, 1))
    expect(await readingsOf(store)).toBe(201)
  })

  it('keeps what is written once while responses are lost', async () => {
    const rows = randomFleet({ seed: 31, messages: 200 })
    const { store } = await place.open()
    let requests = 0
    // Every third write is taken by the server, and reported as a failure.
    proxy.inject(({ url }) => {
      requests += url?.startsWith('/write') ? 1 : 0
      return url?.startsWith('/write') && requests % 3 === 0
        ? { pass: true, status: 500, body: 'lost' }
        : { pass: true }
    })
    for (const batch of batchesOf(rows, 20)) {
      for (;;) {
        const failure = await store.writer.write(batch).catch((error: unknown) => error)
        if (!(failure instanceof Error)) break
        expect(failure).toSatisfy(hasCode('STORE_UNAVAILABLE'))
      }
    }
    proxy.inject(null)
    await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
    await expectRows(store, rows)
    expect(await readingsOf(store)).toBe(rows.filter(({ flags }) => (flags & 256) === 0).length)
  })

  it('pauses for as long as the server requests', async () => {
    const turned = { ns: 0n }
    const clock: Clock = { nowNs: () => DAY_START_NS + turned.ns, monoNs: () => turned.ns }
    const { store } = await place.open({ clock })
    const [batch] = batchesOf(readingsFrom(1, 10), 10)
    proxy.inject(() => ({ status: 429, headers: { 'retry-after': '30' }, body: 'later' }))
    const before = proxy.requests.length
    for (let second = 0; second < 30; second += 1) {
      await expect(store.writer.write(batch!)).rejects.toSatisfy(hasCode('STORE_UNAVAILABLE'))
      turned.ns += 1_000_000_000n
    }
    expect(proxy.requests.length - before).toBe(1)
    proxy.inject(null)
    turned.ns += 1_000_000_000n
    await store.writer.write(batch!)
    await expectRows(store, readingsFrom(1, 10))
  })

  it('gets a batch through to a server that is too slow for all of it at once', async () => {
    const rows = readingsFrom(1, 3000)
    const { store } = await place.open({}, { timeoutMs: 1000 })
    // As long as a request is large, no response comes in time.
    proxy.inject(() => ({ pass: true, mostBytes: 20_000 }))
    const [batch] = batchesOf(rows, 3000)
    const failures: unknown[] = []
    for (let tries = 0; tries < 10; tries += 1) {
      const failure = await store.writer.write(batch!).then(
        () => null,
        (error: unknown) => error,
      )
      if (failure === null) break
      failures.push(failure)
    }
    expect(failures.length).toBeGreaterThan(0)
    expect(failures.length).toBeLessThan(8)
    expect(failures.every(hasCode('STORE_UNAVAILABLE'))).toBe(true)
    proxy.inject(null)
    await expectRows(store, rows)
  })

  it('makes the figures again that a kill took away, and counts each reading once', async () => {
    const rows = randomFleet({ seed: 32, messages: 300 })
    const batches = batchesOf(rows, 20)
    const { store } = await place.open()
    for (const [at, batch] of batches.entries()) {
      await store.writer.write(batch)
      if (at === 4) await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
      if (at === 9) break
    }
    const expected = store.writer.positions()
    place.afterKill()
    const next = await place.open({ expected })
    expect(next.missingFrom).toBe(101)
    for (const batch of batches.slice(4)) await next.store.writer.write(batch)
    await next.store.upkeep.maintain(DAY_START_NS + 2n * HOUR_NS)
    await expectRows(next.store, rows)
    const live = rows.filter(({ flags }) => (flags & 256) === 0).length
    expect(await readingsOf(next.store)).toBe(live)
    const saved = next.store.writer.positions()
    await next.store.upkeep.close()
    const last = await place.open({ expected: saved })
    expect(last.missingFrom).toBeNull()
    expect(await readingsOf(last.store)).toBe(live)
  })

  it('sends a flush again that was cut off, and shows it only as a whole', async () => {
    const { store } = await place.open()
    await writeAll(store, readingsFrom(1, 120))
    let sent = 0
    proxy.inject(({ url }) => {
      if (!url?.startsWith('/write')) return { pass: true }
      sent += 1
      return { pass: true, status: 503, body: 'cut off' }
    })
    const nowNs = DAY_START_NS + HOUR_NS
    await expect(store.upkeep.maintain(nowNs)).rejects.toSatisfy(hasCode('STORE_UNAVAILABLE'))
    expect(sent).toBe(1)
    expect(await readingsOf(store)).toBe(120)
    // The process dies; the next one has the lines.
    place.afterKill()
    proxy.inject(null)
    const next = await place.open({ expected: store.writer.positions() })
    expect(next.missingFrom).toBeNull()
    expect(await readingsOf(next.store)).toBe(120)
    await writeAll(next.store, readingsFrom(121, 150))
    await next.store.upkeep.maintain(nowNs + HOUR_NS)
    expect(await readingsOf(next.store)).toBe(150)
  })

  it('of another journal, or ahead of it, is refused with the reason', async () => {
    const { store } = await place.open()
    await writeAll(store, readingsFrom(1, 20))
    await store.upkeep.close()
    await expect(place.open({ journal: 'another' })).rejects.toSatisfy(hasCode('DATA_DIR_FOREIGN'))
    await expect(place.open({ journalLast: 19 })).rejects.toThrow(/up to 19.*got 20/s)
    await expect(place.open({ journalLast: 19 })).rejects.toSatisfy(hasCode('STORE_AHEAD'))
    proxy.inject(() => ({ status: 503, body: 'away' }))
    await expect(place.open({ journalLast: 19 })).rejects.toSatisfy(hasCode('STORE_AHEAD'))
    proxy.inject(null)
    const { store: again } = await place.open({ journalLast: 20 })
    await expectRows(again, readingsFrom(1, 20))
  })

  it('that was emptied makes the journal be read again', async () => {
    const { store } = await place.open()
    await writeAll(store, readingsFrom(1, 50))
    const expected = store.writer.positions()
    await store.upkeep.close()
    await place.influx.query(`DROP DATABASE "${place.settings.database}"`)
    const next = await place.open({ expected })
    expect(next.missingFrom).toBe(1)
    await writeAll(next.store, readingsFrom(1, 50))
    await next.store.upkeep.maintain(DAY_START_NS + HOUR_NS)
    await expectRows(next.store, readingsFrom(1, 50))
    expect(await readingsOf(next.store)).toBe(50)
  })

  it('whose database is removed while it is open needs a restart, which reads the journal again', async () => {
    const { store } = await place.open()
    await writeAll(store, readingsFrom(1, 50))
    await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
    await place.influx.query(`DROP DATABASE "${place.settings.database}"`)
    const [batch] = batchesOf(readingsFrom(51, 60), 10)
    await expect(store.writer.write(batch!)).rejects.toThrow(/database not found/)
    for (let n = 0; n < 3; n += 1) {
      await expect(store.writer.write(batch!)).rejects.toThrow(
        /restored or emptied; restart the platform/,
      )
    }
    const expected = store.writer.positions()
    await store.upkeep.close()
    const next = await place.open({ expected })
    expect(next.missingFrom).toBe(1)
    await writeAll(next.store, readingsFrom(1, 60))
    await expectRows(next.store, readingsFrom(1, 60))
    expect(await readingsOf(next.store)).toBe(60)
  })

  it('starts while the server is away, and writes when it is back', async () => {
    proxy.inject(() => ({ status: 503, body: 'starting' }))
    const { store, missingFrom } = await place.open()
    expect(missingFrom).toBeNull()
    const [batch] = batchesOf(readingsFrom(1, 10), 10)
    await expect(store.writer.write(batch!)).rejects.toSatisfy(hasCode('STORE_UNAVAILABLE'))
    proxy.inject(null)
    await store.writer.write(batch!)
    await expectRows(store, readingsFrom(1, 10))
  })

  it('makes its database where it may, and reports the reason where it may not', async () => {
    const { database } = place.settings
    const poor = { username: 'poor', password: 'of rights' }
    await place.influx.query(`CREATE USER poor WITH PASSWORD 'of rights'`)
    await expect(place.open({}, poor)).rejects.toSatisfy(hasCode('CONFIG_INVALID'))
    await (await place.open()).store.upkeep.close()
    const [policies] = await place.influx.query(`SHOW RETENTION POLICIES ON "${database}"`)
    expect(policies?.values.map((row) => row.slice(0, 2))).toEqual([['padborg', '87624h0m0s']])
    await place.influx.query(`GRANT ALL ON "${database}" TO poor`)
    const { store } = await place.open({}, poor)
    await writeAll(store, readingsFrom(1, 10))
    await expectRows(store, readingsFrom(1, 10))
  })

  it('has no more series than it is allowed', async () => {
    const { store } = await place.open({}, { maxSeries: 3 })
    const rows = [1, 2, 3, 4, 5].map((n) => reading(n, { device: `acme.t${n}` }))
    const { refused } = await store.writer.write({
      journal: JOURNAL,
      toPosition: 5,
      readings: rows,
    })
    expect(refused.map(({ position }) => position)).toEqual([4, 5])
    expect(refused[0]?.reason).toMatch(/more than 3 series/)
    await expectRows(store, rows.slice(0, 3))
  })

  it('keeps readings of the same moment apart, and makes one of the same reading', async () => {
    const other = '99999999-0000-4000-8000-000000000002'
    const { store } = await place.open()
    const at = { timeNs: DAY_START_NS }
    const rows = [
      // A thousand numbers of one millisecond, one of them used twice, and some without a number.
      ...Array.from({ length: 1000 }, (_, n) => reading(n + 1, { ...at, seq: n })),
      reading(1001, { ...at, seq: 7 }),
      ...Array.from({ length: 60 }, (_, n) =>
        reading(1002, { ...at, seq: null, readingOrdinal: n, hash: 5n }),
      ),
      ...[0n, 1n, 999n].map((us, n) => reading(1003 + n, { timeNs: at.timeNs + us * 1000n })),
      ...[1, 2, 3].map((n) => reading(1010 + n, { timeNs: at.timeNs + 123_456_789n, seq: n })),
    ]
    await writeAll(store, rows, 300)
    await expectRows(store, rows)
    await store.upkeep.close()
    // The same reading by way of another intake, with a journal and position of its own.
    const place2 = createInfluxPlace(server)
    const { store: second } = await place2.open(
      { journal: other },
      { database: place.settings.database },
    )
    const moved = rows.slice(0, 20).map((row) => ({ ...row, position: row.position + 5000 }))
    await second.writer.write({ journal: other, toPosition: 6000, readings: moved })
    expect(await readAll(second)).toHaveLength(rows.length)
    await place2.close()
  })
})

describe.skipIf(!hasInfluxd)('influxd killed under a store', { timeout: 60_000 }, () => {
  it('has every reading once when it is back', async () => {
    const port = await freePort()
    let server = await startInfluxd({ port })
    const place = createInfluxPlace(server)
    try {
      const { store } = await place.open()
      const rows = randomFleet({ seed: 33, messages: 400 })
      const failures: unknown[] = []
      for (const [at, batch] of batchesOf(rows, 20).entries()) {
        if (at === 5 || at === 13) {
          await Promise.allSettled([store.writer.write(batch), server.kill('SIGKILL')])
          const nowNs = DAY_START_NS + BigInt(at) * HOUR_NS
          failures.push(await store.upkeep.maintain(nowNs).catch((error: unknown) => error))
          server = await startInfluxd({ port, dir: server.dir })
        }
        await store.writer.write(batch)
      }
      expect(failures).toHaveLength(2)
      expect(failures.every(hasCode('STORE_UNAVAILABLE'))).toBe(true)
      await store.upkeep.maintain(DAY_START_NS + 100n * HOUR_NS)
      await expectRows(store, rows)
      expect(await readingsOf(store)).toBe(rows.filter(({ flags }) => (flags & 256) === 0).length)
    } finally {
      await place.close()
      await server.stop()
    }
  })
})
