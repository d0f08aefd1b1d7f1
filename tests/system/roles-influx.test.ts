import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hasInfluxd, startInfluxd, type TestServer } from '../support/influxd.ts'
import { addDevice, startPlatform, temporaryDir, type Platform } from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

if (!hasInfluxd) process.stderr.write('roles on InfluxDB are skipped: influxd is not installed\n')

/** As an operator starts them: `main.ts broker ingest` twice, `main.ts api`, one InfluxDB. */
describe.skipIf(!hasInfluxd)('roles apart on InfluxDB', () => {
  let dir: ReturnType<typeof temporaryDir>
  let influx: TestServer
  const running: Platform[] = []
  const clients: MqttClient[] = []

  beforeEach(async () => {
    dir = temporaryDir('roles-influx')
    influx = await startInfluxd()
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.end(true)
    for (const one of running.splice(0)) await one.kill()
    await influx.stop()
    dir.remove()
  })

  async function start(roles: string[], env: Record<string, string>): Promise<Platform> {
    const { url, username, password } = influx
    const one = await startPlatform({
      dataDir: join(dir.path, 'one'),
      env: {
        PADBORG_STORE: 'influx:',
        INFLUX_URL: url,
        INFLUX_DATABASE: 'testbed',
        INFLUX_USERNAME: username,
        INFLUX_PASSWORD: password,
        PADBORG_INGEST_SECRET: 'a-secret-of-thirty-two-characters-and-more',
        ...env,
      },
      command: ['main.ts', ...roles],
    })
    running.push(one)
    return one
  }

  async function freePort(): Promise<number> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    // A TCP server that listens has such an address.
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    return port
  }

  /** Signs in at an intake, which hears of the device by the registry alone. */
  async function sender(intake: Platform, device: { username: string; password: string }) {
    const client = await waitFor(() => intake.mqtt(device).catch(() => null))
    clients.push(client)
    return async (topic: string, seq: number) => {
      const payload = { v: 1, kind: 'truck', ts: Date.now(), seq, data: { speedKmh: seq } }
      await client.publishAsync(topic, JSON.stringify(payload), { qos: 1 })
    }
  }

  it('one device through two intakes is one device at the API', async () => {
    const ports = [await freePort(), await freePort()]
    const first = await start(['broker', 'ingest'], { PADBORG_INGEST_PORT: String(ports[0]) })
    const second = await start(['broker', 'ingest'], {
      PADBORG_INGEST_PORT: String(ports[1]),
      PADBORG_DATA_DIR: join(dir.path, 'two'),
      PADBORG_REGISTRY: join(dir.path, 'one', 'registry.db'),
    })
    const urls = ports.map((port) => `http://127.0.0.1:${port}`)
    const api = await start(['api'], { PADBORG_INGEST_URL: urls.join(',') })
    await waitFor(async () => (await api.api('/health/ready')).status === 200)

    const device = await addDevice(api, { tenant: 'acme', id: 't1', kind: 'truck' })
    const send = [await sender(first, device), await sender(second, device)]
    for (let seq = 1; seq <= 10; seq += 1) await send[seq % 2]?.(device.topic, seq)
    await waitFor(
      async () => {
        const { body } = await api.api(`/readings?kind=truck&device=${device.id}`)
        return body.data?.length === 10
      },
      { timeoutMs: 30_000 },
    )
    const { body } = await api.api('/delivery')
    expect(body.data).toEqual([
      expect.objectContaining({ accepted: 10, stored: 10, pending: 0, lost: null }),
    ])
    expect((await api.api('/last-values')).body.data[0]).toMatchObject({ seq: 10 })

    await second.kill()
    await waitFor(async () => (await api.api('/health/ready')).status === 503)
    expect((await api.api('/delivery')).status).toBe(503)
    const rows = await api.api(`/readings?kind=truck&device=${device.id}`)
    expect(rows.body.data).toHaveLength(10)
  })
})
