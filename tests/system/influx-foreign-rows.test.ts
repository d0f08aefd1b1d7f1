import { join } from 'node:path'
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

describe.skipIf(!hasInfluxd)('a point of another program in a measurement of the platform', () => {
  const dir = temporaryDir('influx-foreign')
  let server: TestServer
  let platform: Platform
  let device: TestDevice

  beforeAll(async () => {
    server = await startInfluxd()
    const { url, username, password } = server
    platform = await startPlatform({
      dataDir: join(dir.path, 'data'),
      env: {
        PADBORG_STORE: 'influx:',
        PADBORG_INGEST_SNAPSHOT_MS: '300',
        INFLUX_URL: url,
        INFLUX_DATABASE: 'testbed',
        INFLUX_USERNAME: username,
        INFLUX_PASSWORD: password,
      },
    })
    device = await addDevice(platform, { tenant: 'acme', id: 't1', kind: 'truck' })
  })
  afterAll(async () => {
    await platform?.kill()
    await server?.stop()
    dir.remove()
  })

  it('ends nothing: figures go on without it, and the health says so', async () => {
    const beganMs = Math.floor(Date.now() / 60_000) * 60_000 - 600_000
    await publish(beganMs, [1, 2, 3])
    await insert(
      `truck,device=${device.id},channel=telemetry timeNs=${beganMs}000000i,position=1i ${beganMs + 500}`,
    )
    await publish(beganMs, [4, 5])
    const span = `from=${new Date(beganMs - 60_000).toISOString()}&to=${new Date(beganMs + 60_000).toISOString()}`
    const { status, body } = await platform.api(`/readings?kind=truck&${span}`)
    expect([status, body.data.length]).toEqual([200, 5])
    // The derived series of the minute are made of the readings of its span.
    await waitFor(async () => (await received()) > 0, {
      timeoutMs: 30_000,
      what: 'the derived series of the minute',
    })
    const health = await waitFor(
      async () => {
        const found = await platform.api('/health/ready')
        return found.body.warnings.length > 0 && found
      },
      { what: 'a warning' },
    )
    expect(health.status).toBe(200)
    expect(health.body.warnings[0]).toMatch(/did not write are skipped.*truck/)
  })

  async function publish(baseMs: number, numbers: readonly number[]) {
    const { username, password, topic } = device
    const client = await platform.mqtt({ username, password })
    for (const seq of numbers) {
      const message = { v: 1, kind: 'truck', ts: baseMs + seq * 1000, seq, data: { speedKmh: 50 } }
      await client.publishAsync(topic, JSON.stringify(message), { qos: 1 })
    }
    await client.endAsync()
    await waitFor(
      async () => {
        const { body } = await platform.api('/delivery')
        return body.data[0]?.stored >= Math.max(...numbers)
      },
      { what: 'the messages to be stored' },
    )
  }

  async function insert(line: string): Promise<void> {
    const response = await fetch(`${server.url}/write?db=testbed&precision=ms`, {
      method: 'POST',
      headers: { authorization: authorization() },
      body: line,
    })
    expect(response.status).toBe(204)
  }

  async function received(): Promise<number> {
    const query = encodeURIComponent('SHOW MEASUREMENTS')
    const response = await fetch(`${server.url}/query?db=testbed&q=${query}`, {
      headers: { authorization: authorization() },
    })
    return (await response.text()).includes('delivery_minute') ? 1 : 0
  }

  function authorization(): string {
    return `Basic ${Buffer.from(`${server.username}:${server.password}`).toString('base64')}`
  }
})
