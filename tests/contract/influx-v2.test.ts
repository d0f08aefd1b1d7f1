import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { ensureDatabase } from '#lib/store/influx/client/connect.ts'
import { createInflux } from '#lib/store/influx/client/influx.ts'
import { readingLine, seriesOf } from '#lib/store/influx/write/reading-point.ts'
import type { InfluxSettings } from '#lib/store/influx/settings.ts'
import { startFaultProxy } from '../support/http-fault.ts'
import { hasVictoriaMetrics, startVictoriaMetrics, type TestServer } from '../support/influxd.ts'
import { RETENTION } from './store-fixture.ts'
import { JOURNAL, randomFleet } from './store-rows.ts'

if (!hasVictoriaMetrics) {
  process.stderr.write('writing by the v2 API is skipped: victoria-metrics is not installed\n')
}

const DEPS = { log: createLog('silent'), clock: systemClock }

/** VictoriaMetrics takes the v2 write path, with Basic authorization; it keeps numbers, by the ms. */
describe.skipIf(!hasVictoriaMetrics)('writing by the v2 API', { timeout: 60_000 }, () => {
  let server: TestServer

  beforeAll(async () => {
    server = await startVictoriaMetrics()
  })
  afterAll(async () => {
    await server?.stop()
  })

  const settingsOf = (over: Partial<InfluxSettings> = {}): InfluxSettings => {
    const { url, username, password } = server
    const account = { username, password }
    return {
      url,
      kind: 'v2',
      database: 'testbed',
      org: 'padborg',
      timeoutMs: 5000,
      ...account,
      ...over,
    }
  }

  it('brings every reading with its values', async () => {
    const rows = randomFleet({ seed: 51, messages: 300 })
    const influx = createInflux(settingsOf(), DEPS)
    const lines = rows.map((row) => readingLine(row, seriesOf(row), JOURNAL))
    expect((await influx.write(lines)).refused).toEqual([])
    influx.close()
    const positions = await exported('{__name__=~".+_position"}')
    expect(positions.toSorted((a, b) => a - b)).toEqual(rows.map(({ position }) => position))
    const speeds = rows.flatMap(({ kind, fields }) =>
      kind === 'truck' ? [fields['speedKmh']] : [],
    )
    const found = await exported('truck_speedKmh')
    expect(found.toSorted((a, b) => a - b)).toEqual(
      speeds.toSorted((a, b) => Number(a) - Number(b)),
    )
  })

  it('needs the right account', async () => {
    const influx = createInflux(settingsOf({ password: 'wrong' }), DEPS)
    await expect(influx.write(['m v=1 1'])).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    influx.close()
  })

  it('names organisation, bucket and token as 2.x wants them', async () => {
    const proxy = await startFaultProxy(server.url)
    const heard: (string | undefined)[] = []
    proxy.inject(({ headers }) => {
      heard.push(headers.authorization)
      return { status: 204 }
    })
    const account = { username: undefined, password: undefined, token: 'a-token' }
    const influx = createInflux(settingsOf({ url: proxy.url, ...account }), DEPS)
    await influx.write(['m v=1 1'])
    expect(proxy.requests).toEqual(['POST /api/v2/write?org=padborg&bucket=testbed&precision=ns'])
    expect(heard).toEqual(['Token a-token'])
    influx.close()
    await proxy.close()
  })

  it('makes the bucket of 2.x where it is missing', async () => {
    const proxy = await startFaultProxy(server.url)
    const responses: Readonly<Record<string, object>> = {
      'GET /api/v2/buckets?name=testbed&org=padborg': { buckets: [] },
      'GET /api/v2/orgs?org=padborg': { orgs: [{ id: '0c1d' }] },
      'POST /api/v2/buckets': { id: '2e3f' },
    }
    proxy.inject(({ method, url }) => {
      const response = responses[`${method} ${url}`]
      return response
        ? { status: 200, body: JSON.stringify(response) }
        : { status: 404, body: '{"code":"not found","message":"no such path"}' }
    })
    const influx = createInflux(settingsOf({ url: proxy.url }), DEPS)
    await ensureDatabase(influx, RETENTION, DEPS.log)
    expect(proxy.requests).toEqual(Object.keys(responses))
    // A server without this part of the API makes it when it is written to.
    proxy.inject(() => ({ status: 404, body: 'nothing here' }))
    await ensureDatabase(influx, RETENTION, DEPS.log)
    influx.close()
    await proxy.close()
  })

  async function exported(match: string): Promise<number[]> {
    const { url, username, password } = server
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
    const get = (path: string) => fetch(`${url}${path}`, { headers: { authorization } })
    await get('/internal/force_flush')
    const text = await (await get(`/api/v1/export?match[]=${encodeURIComponent(match)}`)).text()
    return text
      .split('\n')
      .filter((line) => line !== '')
      .flatMap((line) => {
        const { values } = JSON.parse(line) as { values: number[] }
        return values
      })
  }
})
