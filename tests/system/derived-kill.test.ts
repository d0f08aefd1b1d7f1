import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRandom } from '#lib/runtime/random.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { createInflux, type Influx } from '#lib/store/influx/client/influx.ts'
import {
  addDevice,
  startPlatform,
  temporaryDir,
  type Platform,
  type TestDevice,
} from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'
import {
  HAS_INFLUXD,
  startRestartableInfluxd,
  type Influxd,
} from '../integration/derived/influxd.ts'

const DATABASE = 'padborg'
const HOUR_MS = 3_600_000
const SEED = Number(process.env['SEED'] ?? 20261125)

describe.skipIf(!HAS_INFLUXD)('the whole platform on InfluxDB (needs influxd on the PATH)', () => {
  let place: ReturnType<typeof temporaryDir>
  let influxd: Influxd
  let influx: Influx
  let platform: Platform
  let seq = 0

  beforeEach(async () => {
    place = temporaryDir('derived-kill')
    influxd = await startRestartableInfluxd()
    const { url, username, password } = influxd
    influx = createInflux(
      { url, kind: 'v1', database: DATABASE, username, password, timeoutMs: 5000 },
      { log: createLog('silent'), clock: systemClock },
    )
    platform = await start()
  })
  afterEach(async () => {
    await platform.stop()
    influx.close()
    await influxd.stop()
    place.remove()
  })

  function start(): Promise<Platform> {
    const env = {
      PADBORG_STORE: 'influx:',
      INFLUX_URL: influxd.url,
      INFLUX_DATABASE: DATABASE,
      INFLUX_USERNAME: influxd.username,
      INFLUX_PASSWORD: influxd.password,
      PADBORG_INGEST_SNAPSHOT_MS: '200',
    }
    return startPlatform({ dataDir: join(place.path, 'data'), env })
  }

  /** Publishes readings of the last hours in any order until the platform is gone. */
  async function publishUntilGone(device: TestDevice, random: ReturnType<typeof createRandom>) {
    const { username, password, topic } = device
    const client = await platform.mqtt({ username, password, clientId: device.id })
    const gone = new Promise<void>((resolve) => client.once('close', () => resolve()))
    let isOpen = true
    void gone.then(() => (isOpen = false))
    const one = async () => {
      while (isOpen) {
        seq += 1
        const ts = Date.now() - random.integer(2 * 60_000, 2 * HOUR_MS)
        const payload = JSON.stringify({ v: 1, kind: 'truck', ts, seq, data: { speedKmh: 50 } })
        const sent = client.publishAsync(topic, payload, { qos: 1 }).catch(() => undefined)
        await Promise.race([sent, gone])
      }
    }
    await Promise.all(Array.from({ length: 5 }, one))
    client.end(true)
  }

  /** Messages per device and minute: what the API says, and what the series hold. */
  async function both(): Promise<readonly [unknown, unknown]> {
    const endMs = Math.floor(Date.now() / 60_000) * 60_000 - 60_000
    const [from, to] = [endMs - 3 * HOUR_MS, endMs]
    const span = `from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`
    const { status, body } = await platform.api(
      `/kpi/throughput?by=device&every=1m&limit=10000&${span}`,
    )
    if (status !== 200) throw new Error(`throughput: ${status} ${JSON.stringify(body)}`)
    const said = body.data.map((row: { time: string; messages: number; bytes: number }) => [
      Date.parse(row.time),
      row.messages,
      row.bytes,
    ])
    const series = await influx.query(
      `SELECT "messages", "bytes" FROM delivery_minute WHERE "tenant" = 'acme' ` +
        `AND time >= ${from}000000 AND time < ${to}000000 AND "messages" > 0`,
    )
    const found = series.flatMap(({ values }) =>
      values.map(([time, messages, bytes]) => [Number(time) / 1e6, messages, bytes]),
    )
    return [said, found]
  }

  it(`shows in the series what was stored, whenever it is killed (SEED=${SEED})`, async () => {
    const random = createRandom(SEED)
    const device = await addDevice(platform, { tenant: 'acme', id: 't1', kind: 'truck' })
    for (let round = 0; round < 4; round += 1) {
      const publishing = publishUntilGone(device, random)
      const before = seq
      const wanted = random.integer(50, 400)
      await waitFor(() => seq - before >= wanted, { timeoutMs: 30_000 })
      await platform.kill()
      await publishing
      platform = await start()
    }
    let pair: readonly [unknown, unknown] = [[], null]
    await waitFor(
      async () => {
        pair = await both()
        return JSON.stringify(pair[0]) === JSON.stringify(pair[1])
      },
      { timeoutMs: 60_000, everyMs: 1000, what: 'series as the API says' },
    ).catch(() => undefined)
    const [said, found] = pair
    expect(found).toEqual(said)
    expect((said as unknown[]).length).toBeGreaterThan(50)
  }, 180_000)
})
