import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasInfluxd, startInfluxd, type TestServer } from '../support/influxd.ts'
import {
  addDevice,
  startPlatform,
  temporaryDir,
  type Platform,
  type TestDevice,
} from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'
import { readAlerts } from '../support/grafana/alerts-yaml.ts'
import {
  expectCounters,
  expectHeat,
  expectLatency,
  expectTraffic,
  type ApiRow,
  type Comparison,
} from '../support/grafana/compare-with-api.ts'
import { boardOf, panelsOf } from '../support/grafana/boards-json.ts'
import { connectDataSource, type DataSource } from '../support/grafana/data-source.ts'
import { panelRows } from '../support/grafana/panel-rows.ts'

const DATABASE = 'padborg'
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const CELL = { rat: 'nr-sa', cellId: '5C4', band: 'n78', operator: '238-01' }

/** A reading of a truck as `/readings` answers it. */
interface TruckRow {
  readonly device: string
  readonly time: string
  readonly fields: { readonly lat: number }
  readonly radio: { readonly rsrpDbm: number }
}

const HEAT = { board: 'padborg-heat', panel: 11, boundary: 'handoff', by: null, every: null }

describe.skipIf(!hasInfluxd)('boards of a platform on InfluxDB (needs influxd on the PATH)', () => {
  const dir = temporaryDir('grafana')
  let influxd: TestServer
  let platform: Platform
  let source: DataSource
  let place: Comparison
  const startMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS

  beforeAll(async () => {
    influxd = await startInfluxd()
    platform = await startPlatform({
      dataDir: dir.path,
      env: {
        PADBORG_STORE: 'influx:',
        INFLUX_URL: influxd.url,
        INFLUX_DATABASE: DATABASE,
        INFLUX_USERNAME: influxd.username,
        INFLUX_PASSWORD: influxd.password,
      },
    })
    source = connectDataSource({ ...influxd, database: DATABASE })
    place = {
      source,
      tenant: null,
      span: { fromMs: startMs - HOUR_MS, toMs: startMs + HOUR_MS - 1 },
      api: allRows,
    }
    await publishAll()
    // The minute has to be over, and what came in it to be written.
    await waitFor(settled, { timeoutMs: 240_000, everyMs: 1000, what: 'the minute in InfluxDB' })
  }, 280_000)
  afterAll(async () => {
    await platform?.stop()
    await influxd?.stop()
    dir.remove()
  })

  async function allRows(path: string): Promise<readonly ApiRow[]> {
    const { status, body } = await platform.api(path)
    expect(status, `${path}: ${JSON.stringify(body)}`).toBe(200)
    return body.data
  }

  async function publishAll(): Promise<void> {
    for (const [tenant, rsrpDbm] of [
      ['acme', -80],
      ['beta', -100],
    ] as const) {
      const truck = await addDevice(platform, { tenant, id: 't1', kind: 'truck' })
      await publish(
        truck,
        Array.from({ length: 50 }, (_, n) => ({
          v: 1,
          kind: 'truck',
          seq: n,
          ts: Date.now() - 5 * n,
          data: { speedKmh: 40 + (n % 7), lat: 54.83 + n / 1e4, lon: 9.33 },
          radio: { ...CELL, rsrpDbm: rsrpDbm - (n % 5) },
        })),
      )
      await publish(truck, [{ v: 1, kind: 'truck', seq: 50, data: 'no object' }])
    }
    const handoff = {
      tenant: 'acme',
      id: 'm1',
      kind: 'heat_meter',
      settings: { role: 'handoff', dataCentre: 'dc1', maxPowerKw: 500 },
    }
    const meter = await addDevice(platform, handoff)
    const hour = Math.floor(Date.now() / HOUR_MS) * HOUR_MS
    await publish(
      meter,
      Array.from({ length: 30 }, (_, n) => ({
        v: 1,
        kind: 'heat_meter',
        seq: n,
        ts: hour - (30 - n) * HOUR_MS,
        data: { energyKwh: 1000 + 12 * n },
      })),
    )
  }

  async function publish(device: TestDevice, payloads: readonly object[]): Promise<void> {
    const { username, password, topic } = device
    const client = await platform.mqtt({ username, password })
    for (const payload of payloads) {
      await client.publishAsync(topic, JSON.stringify(payload), { qos: 1 })
    }
    await client.endAsync()
  }

  const view = (chosen: Readonly<Record<string, string>> = {}) => ({
    span: place.span,
    chosen,
    intervalMs: MINUTE_MS,
  })

  /** The hours between the meter's readings: each has a register at its end. */
  function hours(): Comparison {
    const end = Math.floor(startMs / HOUR_MS) * HOUR_MS
    return { ...place, span: { fromMs: end - 29 * HOUR_MS, toMs: end - HOUR_MS - 1 } }
  }

  /** Traffic and latency of the minute, the counters after it, and the hours of heat. */
  async function settled(): Promise<boolean> {
    try {
      const asked = { board: 'padborg-overview', panel: 22, by: null, stage: 'age' }
      const isThere = await expectLatency(place, { ...asked, columns: ['p50', 'p95', 'p99'] })
      await expectCounters(place)
      return (
        isThere > 0 && (await expectHeat(hours(), { ...HEAT, refId: 'A', field: 'energyKwh' })) > 0
      )
    } catch {
      // Not yet the same: the tests say what is missing if it stays so.
      return false
    }
  }

  it('show the latency that the API says, by RAT, cell, operator and device', async () => {
    const radio = { board: 'padborg-latency-radio', stage: 'age', columns: ['p95'] as const }
    for (const asked of [
      { ...radio, panel: 21, by: 'rat' },
      { ...radio, panel: 22, by: 'cell' },
      { ...radio, panel: 23, by: 'operator' },
      { ...radio, board: 'padborg-device', panel: 21, by: 'device', device: 'acme.t1' },
    ]) {
      expect(await expectLatency(place, asked)).toBeGreaterThan(0)
    }
  })

  it('show the traffic and the counters that the API says', async () => {
    const devices = {
      board: 'padborg-delivery',
      panel: 13,
      by: 'device',
      field: 'messages',
    } as const
    // The meter's readings are of hours before.
    expect(await expectTraffic(place, devices)).toBeGreaterThanOrEqual(2)
    expect(await expectCounters(place)).toBe(3)
  })

  it('show the heat that the API says', async () => {
    expect(await expectHeat(hours(), { ...HEAT, refId: 'A', field: 'energyKwh' })).toBe(1)
    expect(await expectHeat(hours(), { ...HEAT, refId: 'B', field: 'coverage' })).toBe(1)
  })

  it('show the readings that the API says', async () => {
    const board = 'padborg-device'
    const gauges = panelsOf(boardOf(board)).find(({ title }) => title === 'truck: gauges in km/h')
    const shown = await panelRows(
      source,
      { board, panel: gauges?.id ?? 0 },
      view({ device: 'acme.t1' }),
    )
    const said = await allRows(`/readings?kind=truck&device=acme.t1&every=1m`)
    const means = said.map(({ time, fields }) => ({
      timeMs: Date.parse(time ?? ''),
      mean: expect.closeTo((fields as { speedKmh: { mean: number } }).speedKmh.mean, 6),
    }))
    expect(
      shown.map(({ timeMs, values }) => ({ timeMs, mean: Number(values['speedKmh']) })),
    ).toEqual(means)
  })

  it('show the weakest RSRP of each device and minute at its place', async () => {
    const shown = await panelRows(source, { board: 'padborg-latency-radio', panel: 41 }, view())
    const said = (
      await Promise.all(
        ['acme.t1', 'beta.t1'].map((id) => allRows(`/readings?kind=truck&device=${id}`)),
      )
    ).flat() as unknown as readonly TruckRow[]
    const minutes = Map.groupBy(said, ({ device, time }) => {
      const timeMs = Date.parse(time)
      return `${device} ${timeMs - (timeMs % MINUTE_MS)}`
    })
    expect(shown.map(({ tags, timeMs }) => `${tags['device']} ${timeMs}`).toSorted()).toEqual(
      [...minutes.keys()].toSorted(),
    )
    for (const { tags, timeMs, values } of shown) {
      const rows = minutes.get(`${tags['device']} ${timeMs}`) ?? []
      expect(values['rsrpDbm']).toBe(Math.min(...rows.map(({ radio }) => radio.rsrpDbm)))
      const places = rows
        .filter(({ radio }) => radio.rsrpDbm === values['rsrpDbm'])
        .map(({ fields }) => fields.lat)
      expect(places).toContain(values['lat'])
    }
  })

  it('provide the series that alert rules query', async () => {
    for (const { title, data } of readAlerts()) {
      const rows = await source.query(data[0].model.query)
      const hasTls = title !== 'Certificate expiry'
      expect(rows.length > 0, title).toBe(hasTls)
    }
  })
})
