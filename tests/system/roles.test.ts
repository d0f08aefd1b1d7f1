import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { openRegistry } from '#lib/registry/open.ts'
import { watch } from '../support/live-stream.ts'
import {
  ADMIN_KEY,
  addDevice,
  startPlatform,
  temporaryDir,
  type Platform,
} from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'
import { FORMAT_LIST } from '../../ingest/formats/catalogue.ts'

/*
 * Two processes as an operator starts them, `broker ingest` and `api`. They run on the embedded store
 * through tests/support/role-process.ts, since what is tested here is what passes between them.
 */
const SECRET = 'a-secret-of-thirty-two-characters-and-more'
const ENTRY = 'tests/support/role-process.ts'
const ROOT = new URL('../..', import.meta.url).pathname

const freePort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A TCP server that listens has such an address.
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('broker and ingest in one process, api in another', () => {
  let dir: ReturnType<typeof temporaryDir>
  let port: number
  let intake: Platform
  let api: Platform
  const running: Platform[] = []
  const clients: MqttClient[] = []

  beforeEach(async () => {
    dir = temporaryDir('roles')
    port = await freePort()
    intake = await startIntake()
    api = await startApi()
    await waitFor(async () => (await api.api('/health/ready')).status === 200)
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.end(true)
    for (const one of running.splice(0)) await one.kill()
    dir.remove()
  })

  async function start(roles: string[], env: Record<string, string>): Promise<Platform> {
    const all = { PADBORG_INGEST_SECRET: SECRET, PADBORG_LIVE_HEARTBEAT_SECONDS: '0.2', ...env }
    const one = await startPlatform({ dataDir: dir.path, env: all, command: [ENTRY, ...roles] })
    running.push(one)
    return one
  }
  const startIntake = () => start(['broker', 'ingest'], { PADBORG_INGEST_PORT: String(port) })
  const startApi = (env: Record<string, string> = {}) =>
    start(['api'], { PADBORG_INGEST_URL: `http://127.0.0.1:${port}`, ...env })

  /** Registers at one process, signs in at the other. */
  async function connected(id: string) {
    const device = await addDevice(api, { tenant: 'acme', id, kind: 'truck' })
    const { username, password } = device
    const signIn = () => intake.mqtt({ username, password, clientId: id }).catch(() => null)
    const client = await waitFor(signIn)
    clients.push(client)
    const send = (payload: unknown) =>
      client.publishAsync(device.topic, JSON.stringify(payload), { qos: 1 })
    return { ...device, client, send }
  }
  const truck = (seq: number) => ({
    v: 1,
    kind: 'truck',
    ts: Date.now(),
    seq,
    data: { speedKmh: seq },
  })

  it('are one platform: registered here, taken in there, shown here', async () => {
    expect(intake.ready).toEqual({
      ready: true,
      pid: intake.process.pid,
      mqtt: expect.any(Number),
      mqttWs: expect.any(Number),
      ingest: port,
    })
    expect(api.ready).toEqual({ ready: true, pid: api.process.pid, http: expect.any(Number) })
    const { id, send } = await connected('t1')
    const stream = await watch(api)
    await waitFor(() => stream.lastId() !== '')
    for (let seq = 1; seq <= 5; seq += 1) await send(truck(seq))
    await send({ v: 1, kind: 'truck', ts: Date.now(), seq: 6, data: { speedKmh: 'fast' } })
    await waitFor(() => stream.events.length === 6)
    const { body } = await api.api(`/delivery?device=${id}`)
    expect(body.data[0]).toMatchObject({ accepted: 6, stored: 5, rejected: 1, pending: 0, lost: 0 })
    expect((await api.api(`/readings?kind=truck&device=${id}`)).body.data).toHaveLength(5)
    expect((await api.api('/last-values')).body.data[0]).toMatchObject({ seq: 5, device: id })
    const rejections = (await api.api('/rejections')).body.data
    expect(rejections).toHaveLength(1)
    expect(Buffer.from(rejections[0].payloadBase64, 'base64').toString()).toContain('fast')
    const replay = { ids: [rejections[0].id] }
    expect((await api.api('/rejections/replay', { body: replay })).body.again).toBe(1)
    const parquet = await fetch(
      `http://127.0.0.1:${api.ready.http}/api/v1/readings?kind=truck&device=${id}`,
      {
        headers: {
          authorization: `Bearer ${ADMIN_KEY}`,
          accept: 'application/vnd.apache.parquet',
        },
      },
    )
    expect(parquet.headers.get('x-rows')).toBe('5')
    expect(Buffer.from(await parquet.arrayBuffer()).toString('latin1')).toMatch(/^PAR1[^]*PAR1$/)
    await waitFor(() => readdirSync(join(dir.path, 'api', 'export')).length === 0)
    const ready = (await api.api('/health/ready')).body
    expect(ready.intakes[0]).toMatchObject({ name: `http://127.0.0.1:${port}`, problems: [] })
    expect((await api.api('/metrics')).body).toMatch(/padborg_intakes 1\n[^]*unreachable 0\n/)
    stream.cut()
  })

  it('cut a device off as soon as its credential is revoked or it is deleted', async () => {
    for (const [id, path] of [
      ['t1', async (id: string) => `/devices/${id}/credentials/${await credentialOf(id)}`],
      ['t2', async (device: string) => `/devices/${device}`],
    ] as const) {
      const device = await connected(id)
      await device.send(truck(1))
      const closed = new Promise<void>((resolve) => device.client.once('close', resolve))
      expect((await api.api(await path(device.id), { method: 'DELETE' })).status).toBe(204)
      await closed
      const { username, password } = device
      await expect(intake.mqtt({ username, password })).rejects.toThrow(/Not authorized|Bad/i)
    }
  })

  async function credentialOf(device: string): Promise<string> {
    return (await api.api(`/devices/${device}/credentials`)).body.data[0].id
  }

  it('kill -9 of the intake under a live stream: 503 that says why, then on without a gap', async () => {
    const { id, send } = await connected('t1')
    const stream = await watch(api)
    await waitFor(() => stream.lastId() !== '')
    await send(truck(1))
    await waitFor(() => stream.events.length === 1)
    await intake.kill()
    await waitFor(() => stream.ended())
    const lastId = stream.lastId()
    for (const path of [
      '/delivery',
      '/last-values',
      '/readings?kind=truck',
      '/rejections',
      '/live',
    ]) {
      const { status, body } = await api.api(path)
      expect(status, path).toBe(503)
      expect(body, path).toMatchObject({ code: 'INGEST_UNREACHABLE' })
      expect(JSON.stringify(body), path).not.toContain(String(port))
    }
    // What the registry answers needs no intake.
    expect((await api.api(`/devices/${id}`)).status).toBe(200)
    const ready = await api.api('/health/ready')
    expect(ready.status).toBe(503)
    expect(ready.body.problems.join()).toContain(`http://127.0.0.1:${port} does not answer`)
    expect((await api.api('/health/live')).status).toBe(200)
    expect((await api.api('/metrics')).body).toMatch(/padborg_intakes_unreachable 1\n/)

    intake = await startIntake()
    await waitFor(async () => (await api.api('/health/ready')).status === 200)
    const device = await api.api(`/devices/${id}/credentials`, { body: {} })
    const { username, password } = device.body
    const client = await waitFor(() => intake.mqtt({ username, password }).catch(() => null))
    clients.push(client)
    const topic = 'padborg/v1/acme/t1/telemetry'
    await client.publishAsync(topic, JSON.stringify(truck(2)), { qos: 1 })
    const again = await watch(api, { lastId })
    await client.publishAsync(topic, JSON.stringify(truck(3)), { qos: 1 })
    await waitFor(() => again.events.length === 2)
    expect(again.events.map(({ event, data }) => [event, data.seq])).toEqual([
      ['reading', 2],
      ['reading', 3],
    ])
    again.cut()
  })

  it('an intake that hangs is distinguished from a slow one: queries fail, and work again with it', async () => {
    const { id, send } = await connected('t1')
    await send(truck(1))
    const stream = await watch(api)
    await waitFor(() => stream.lastId() !== '')
    intake.process.kill('SIGSTOP')
    const asked = await api.api(`/delivery?device=${id}`)
    expect(asked.status).toBe(503)
    expect(asked.body.code).toBe('INGEST_UNREACHABLE')
    await waitFor(() => stream.ended())
    intake.process.kill('SIGCONT')
    await waitFor(async () => (await api.api('/health/ready')).status === 200)
    const sums = async () => (await api.api(`/delivery?device=${id}`)).body.data[0]
    await waitFor(async () => (await sums()).pending === 0)
    expect(await sums()).toMatchObject({ accepted: 1, stored: 1 })
  })

  it('each have their lock and run.json, and share registry, admin key and pseudonyms', async () => {
    const runs = [dir.path, join(dir.path, 'api')].map((path) => join(path, 'run.json'))
    for (const [at, run] of runs.entries()) {
      expect(statSync(run).mode & 0o777).toBe(0o600)
      expect(JSON.parse(readFileSync(run, 'utf8')).pid).toBe([intake, api][at]?.process.pid)
    }
    const second = await startApi({
      PADBORG_DATA_DIR: join(dir.path, 'second'),
      PADBORG_REGISTRY: join(dir.path, 'registry.db'),
    })
    await (await connected('t1')).send(truck(1))
    const key = (await api.api('/keys', { body: { role: 'engineer', name: 'e' } })).body.key
    const names = async (of: Platform) => {
      const { status, body } = await of.api('/delivery', { key })
      return status === 200 ? body.data.map((one: { device: string }) => one.device) : null
    }
    const seen = await waitFor(async () => await names(second))
    expect(seen[0]).toMatch(/^device-[0-9a-f]{24}$/)
    expect(seen).toEqual(await names(api))
    await expect(startApi()).rejects.toThrow(/PADBORG_DATA_DIR=.*another platform \(pid \d+\)/)
    expect(await api.stop()).toBe(0)
    expect(await intake.stop()).toBe(0)
    for (const run of runs) expect(existsSync(run)).toBe(false)
  })

  it('an api role with another secret reports it in its log and at /health/ready', async () => {
    const stranger = await startApi({
      PADBORG_DATA_DIR: join(dir.path, 'stranger'),
      PADBORG_INGEST_SECRET: 'x'.repeat(32),
    })
    await waitFor(() => stranger.log().includes('same PADBORG_INGEST_SECRET'))
    const ready = await stranger.api('/health/ready')
    expect(ready.status).toBe(503)
    expect(ready.body.problems[0]).toContain('INGEST_REFUSED')
    expect((await stranger.api('/delivery')).status).toBe(503)
    await waitFor(() => intake.log().includes('another PADBORG_INGEST_SECRET'))
    expect(stranger.log()).not.toContain('x'.repeat(32))
  })
})

describe('roles that cannot start say why in one line each', () => {
  let dir: ReturnType<typeof temporaryDir>
  const FREE = { PADBORG_MQTT_PORT: '0', PADBORG_MQTT_WS_PORT: '0', PADBORG_HTTP_PORT: '0' }
  beforeEach(() => {
    dir = temporaryDir('bad-roles')
  })
  afterEach(() => dir.remove())

  /** Starts `main.ts`, or what is given, as a shell would, and waits for its end. */
  function run(roles: string[], env: Record<string, string>, entry = 'main.ts') {
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, entry), ...roles], {
      cwd: ROOT,
      env: { PATH: process.env['PATH'], PADBORG_DATA_DIR: dir.path, ...FREE, ...env },
      timeout: 30_000,
    })
    const lines = stderr.toString().trim().split('\n')
    return { status, lines: lines.filter((line) => !line.startsWith('{')) }
  }

  const INFLUX = {
    PADBORG_STORE: 'influx:',
    INFLUX_URL: 'http://127.0.0.1:1',
    INFLUX_DATABASE: 'd',
  }
  const ELSEWHERE = {
    ...INFLUX,
    PADBORG_INGEST_URL: 'http://127.0.0.1:8090',
    PADBORG_INGEST_SECRET: SECRET,
  }

  it.each<[string, string[], Record<string, string>, RegExp]>([
    ['duckdb: and roles apart', ['broker', 'ingest'], {}, /^roles .*duckdb: one process/],
    ['no intake', ['api'], INFLUX, /^roles api: .*set PADBORG_INGEST_URL/],
    ['two brokers', ['broker', 'ingest'], { ...INFLUX, PADBORG_MQTT_URL: 'mqtt://b' }, /^roles /],
    ['no server', [], { PADBORG_STORE: 'influx:', INFLUX_DATABASE: 'd' }, /^INFLUX_URL=: expected/],
    ['two of a kind', [], { ...INFLUX, INFLUX_BUCKET: 'b' }, /^INFLUX_DATABASE=d: .*got both/],
    [
      'no secret',
      ['api'],
      { ...ELSEWHERE, PADBORG_INGEST_SECRET: '' },
      /^PADBORG_INGEST_SECRET=: /,
    ],
    ['a short one', ['api'], { ...ELSEWHERE, PADBORG_INGEST_SECRET: 'abc' }, /=\(secret\): .* 32 /],
    [
      'plain',
      ['api'],
      { ...ELSEWHERE, PADBORG_INGEST_URL: 'http://10.0.0.1:1' },
      /expected https:/,
    ],
  ])('for %s', (_what, roles, env, line) => {
    const { status, lines } = run(roles, env)
    expect(status).toBe(1)
    expect(lines.filter((one) => line.test(one))).toHaveLength(1)
    expect(lines).toHaveLength(1)
  })

  it('for a strange word, with a hint and the exit code of wrong arguments', () => {
    const { status, lines } = run(['reader'], {})
    expect(status).toBe(2)
    expect(lines).toEqual([
      expect.stringMatching(/^argument reader: expected/),
      expect.stringContaining('--help'),
    ])
  })

  it('for patterns that do not tell devices apart behind a foreign broker, with --check', () => {
    const registry = openRegistry({
      path: join(dir.path, 'registry.db'),
      clock: systemClock,
      log: createLog('silent'),
      credentialOverlapHours: 1,
      formats: FORMAT_LIST,
    })
    for (const tenant of ['acme', 'beta']) {
      registry.tenants.create({ id: tenant, name: tenant })
      registry.devices.create({ id: 't1', tenant, kind: 'truck', topics: ['fleet/+/data'] })
    }
    registry.close()
    const { status, lines } = run(['--check'], { PADBORG_MQTT_URL: 'mqtt://broker' })
    expect(status).toBe(1)
    expect(lines).toEqual([expect.stringMatching(/^devices acme.t1 and beta.t1: expected/)])
    expect(run(['--check'], {})).toEqual({ status: 0, lines: ['The configuration is valid.'] })
  })

  it('for a port of the internal address that is taken', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    // A TCP server that listens has such an address.
    const { port } = server.address() as AddressInfo
    const env = { PADBORG_INGEST_PORT: String(port), PADBORG_INGEST_SECRET: SECRET }
    const { status, lines } = run(['broker', 'ingest'], env, ENTRY)
    expect(status).toBe(1)
    expect(lines).toEqual([expect.stringContaining(`PADBORG_INGEST_PORT=${port}: cannot listen`)])
    await new Promise((resolve) => server.close(resolve))
  })
})
