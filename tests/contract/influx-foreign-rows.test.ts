import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import type { Store } from '#lib/store/store.ts'
import { HOUR_NS } from '#lib/telemetry/time-grid.ts'
import { hasInfluxd, startInfluxd, type TestServer } from '../support/influxd.ts'
import { createInfluxPlace, type InfluxPlace } from './influx-place.ts'
import { ALL, WIDE, latencyOf, lossOf, readAll, throughputOf, writeAll } from './store-fixture.ts'
import { DAY_NS, DAY_START_NS, JOURNAL, randomFleet } from './store-rows.ts'

const FIGURES = ['counts_minute', 'counts_hour', 'latency_buckets_minute', 'latency_buckets_hour']
const NODE = JOURNAL.slice(0, 8)

describe.skipIf(!hasInfluxd)('rows that another program writes to our measurements', () => {
  const rows = randomFleet({ seed: 815, messages: 200 })
  let server: TestServer
  let place: InfluxPlace
  let store: Store

  beforeAll(async () => {
    server = await startInfluxd()
  })
  afterAll(async () => {
    await server?.stop()
  })
  beforeEach(async () => {
    place = createInfluxPlace(server)
    store = (await place.open()).store
    await writeAll(store, rows)
    await store.upkeep.maintain(DAY_START_NS + 5n * DAY_NS)
  })
  afterEach(() => place.close())

  it('are skipped and counted where they have some of our columns', async () => {
    const before = await results()
    await insert(foreignLines(DAY_START_NS + HOUR_NS / 2n, PARTS))
    expect(await results()).toEqual(before)
    await store.upkeep.maintain(DAY_START_NS + 6n * DAY_NS)
    expect(await results()).toEqual(before)
    expect(store.upkeep.warnings()).toEqual([
      expect.stringMatching(/not write.* truck \(\d+ times/),
    ])
  })

  it('are skipped where their columns have other types than ours', async () => {
    const before = await results()
    // A shard of its own: within one InfluxDB itself refuses them.
    await insert(foreignLines(DAY_START_NS - 60n * DAY_NS, TYPES))
    expect(await results()).toEqual(before)
    await store.upkeep.maintain(DAY_START_NS + 6n * DAY_NS)
    expect(await results()).toEqual(before)
  })

  it('do not keep the store from opening', async () => {
    const before = await results()
    await store.upkeep.close()
    await insert([
      `store_progress,node=${NODE} journal="${JOURNAL}",other=1i ${WIDE.toNs - 1n}`,
      `store_progress position=1i ${WIDE.toNs - 1n}`,
    ])
    store = (await place.open()).store
    expect(await results()).toEqual(before)
  })

  async function insert(lines: readonly string[]): Promise<void> {
    for (const line of lines) await place.influx.write([line])
  }

  /** Everything that reads rows. */
  async function results() {
    const { reader } = store
    const scan = { scope: ALL, ...WIDE, everyNs: HOUR_NS, by: ['device', 'kind'] as const }
    const heat = rows.find(({ kind }) => kind === 'heat_meter')
    const grid = { scope: ALL, ...WIDE, everyNs: HOUR_NS, fields: null, limit: 500, cursor: null }
    const meter = { device: heat?.device ?? '', limitKw: 1e6, stepKwh: 1 }
    return {
      readings: await readAll(store),
      throughput: await throughputOf(store, scan),
      loss: await lossOf(store, scan),
      latency: await latencyOf(store, { ...scan, stages: ['age', 'uplink', 'rtt'] }),
      aggregates: await Promise.all(KIND_NAMES.map((kind) => reader.aggregates({ ...grid, kind }))),
      delays: await reader.delays({ scope: ALL, ...WIDE, maxRows: 1e6 }),
      registers: await reader.registers({
        scope: ALL,
        ...WIDE,
        meters: [meter],
        maxRows: 1e6,
        cellNs: null,
        lookNs: DAY_NS,
      }),
      since: await reader.since({
        scope: ALL,
        after: { position: 1, readingOrdinal: 0 },
        toPosition: 200,
        limit: 500,
      }),
      known: await store.writer.known(rows.map((row) => ({ ...row, position: 1e6 }))),
    }
  }
})

/** Points with parts of a reading: each lacks something that ours always have. */
const PARTS = [
  'timeNs=TIMEi,position=1i',
  'timeNs=TIMEi,position=1i,journal="another"',
  'timeNs=TIMEi,receivedAtNs=TIMEi,position=7i,index=0i,hash=1i,bytes=10i',
  'position=3i,index=0i,journal="JOURNAL"',
  'speedKmh=99,energyKwh=5',
  'node="NODE",upto=1i',
  'n=5i,buckets="1:5"',
]

/** The same columns with types that ours do not have. */
const TYPES = [
  'timeNs="soon",position="here",journal=true,index="x",flags="none",receivedAtNs=true',
  'timeNs=1.5,position=2.5,index=0.5,journal=7,flags=1.5,hash=0.1,bytes=true,seq="seven"',
  'speedKmh="fast",energyKwh="much",rttMs=true,uplinkMs="slow",clockBoundMs=true,meterId=7',
  'n="many",negative=true,maxMs="long",buckets=5,upto="here",readings="all",messages=true',
]

function foreignLines(timeNs: bigint, fields: readonly string[]): string[] {
  return [...KIND_NAMES, ...FIGURES].flatMap((measurement) =>
    fields.flatMap((text, at) =>
      ['', ',device=acme.t1,channel=c', `,device=acme.t1,node=${NODE},stage=age`].map(
        (tags, nth) => {
          const time = timeNs + BigInt(at * 10 + nth)
          const values = text
            .replaceAll('TIME', String(timeNs))
            .replaceAll('JOURNAL', JOURNAL)
            .replaceAll('NODE', NODE)
          return `${measurement}${tags} ${values} ${time}`
        },
      ),
    ),
  )
}
