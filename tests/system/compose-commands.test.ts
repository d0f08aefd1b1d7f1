import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connectAsync } from 'mqtt'
import { init } from '../../scripts/init.ts'
import {
  freePort,
  hasInfluxd,
  hasProgram,
  startInfluxd,
  type TestServer,
} from '../support/influxd.ts'
import { temporaryDir } from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'
import {
  ROOT,
  environmentOf,
  interpolate,
  readCompose,
  type Service,
} from '../unit/deploy/compose-file.ts'
import { layOutStage } from '../unit/deploy/image-tree.ts'
import { onVolumes, run, startProcess, type Ports, type Running } from './service-process.ts'

/*
 * The commands of docker-compose.yml, started by hand: no engine is at hand. A folder holds what the
 * Dockerfile copies, .env is made by init, and each process gets exactly the command and the
 * environment of its service. Only addresses, ports and folders are replaced, and the settings of
 * InfluxDB 2.x by those of 1.x, the one that Debian has.
 */
const compose = readCompose()
const hasMosquitto = hasProgram('mosquitto')
for (const [name, there] of [
  ['influxd', hasInfluxd],
  ['mosquitto', hasMosquitto],
] as const) {
  if (!there) process.stderr.write(`parts of compose-commands are skipped: they need ${name}\n`)
}

const root = temporaryDir('image')
const app = join(root.path, 'app')
let secrets: Record<string, string> = {}

beforeAll(() => {
  const portal = join(root.path, 'portal')
  mkdirSync(app)
  mkdirSync(portal)
  layOutStage('portal', portal)
  execFileSync(process.execPath, ['scripts/build-portal.ts'], { cwd: portal, stdio: 'ignore' })
  layOutStage('platform', app)
  const dist = 'dashboards/portal/dist'
  cpSync(join(portal, dist), join(app, dist), { recursive: true })
  const file = join(root.path, '.env')
  init({ profiles: ['single', 'influx2'], tls: null, file, certs: root.path })
  secrets = Object.fromEntries(
    Object.entries(parseEnv(readFileSync(file, 'utf8'))).map(([name, value = '']) => [name, value]),
  )
})
afterAll(() => root.remove())

describe('the image', () => {
  it('holds the portal, made of what its stage copies', () => {
    expect(existsSync(join(app, 'dashboards/portal/dist/index.html'))).toBe(true)
  })

  it('holds no tests, secrets or documents', () => {
    for (const name of ['tests', '.env', 'docs', 'deploy/certs', '.git']) {
      expect(existsSync(join(app, name)), name).toBe(false)
    }
  })
})

describe.skipIf(!hasInfluxd)('the services of docker-compose.yml', () => {
  let dir: ReturnType<typeof temporaryDir>
  let influx: TestServer
  const running: Running[] = []

  beforeEach(async () => {
    dir = temporaryDir('compose')
    influx = await startInfluxd()
  })
  afterEach(async () => {
    for (const one of running.splice(0).toReversed()) await one.kill()
    await influx.stop()
    dir.remove()
  })

  /** Starts a service; `replaced` are settings whose address or port is another one here. */
  async function start(name: string, replaced: Readonly<Record<string, string>>): Promise<Running> {
    const service = serviceOf(name)
    const given = environmentOf(service, secrets)
    const env: Record<string, string> = {
      ...onVolumes(given, service.volumes, dir.path),
      PADBORG_HOST: '127.0.0.1',
      ...influxSettings(influx),
      ...replaced,
    }
    for (const key of ['INFLUX_ORG', 'INFLUX_BUCKET', 'INFLUX_TOKEN']) delete env[key]
    // What is replaced must be there, or this would test a setting that the service does not have.
    const invented = Object.keys(replaced).filter((key) => !Object.hasOwn(given, key))
    expect(invented, name).toEqual([])
    const one = await startProcess(app, service.command ?? [], env)
    running.push(one)
    return one
  }

  /** Runs the health check of a service, its port replaced. */
  function health(name: string, port: number): number | null {
    const [, , ...words] = serviceOf(name).healthcheck?.test ?? []
    const args = words.map((word) =>
      interpolate(word, {}).replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`),
    )
    return spawnSync(process.execPath, args, { cwd: app, env: {} }).status
  }

  const api = async (port: number, path: string, key = secrets['PADBORG_ADMIN_KEY']) => {
    const headers = { authorization: `Bearer ${key}` }
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
    return { status: response.status, text: await response.text() }
  }

  const post = async (port: number, path: string, body: object) => {
    const headers = {
      authorization: `Bearer ${secrets['PADBORG_ADMIN_KEY']}`,
      'content-type': 'application/json',
    }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    const { status } = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, init)
    expect(status, path).toBe(201)
  }

  /** One of the two commands of the profile simulators, against these ports. */
  const seeds = (name: string, { mqtt, http }: Ports) => {
    const service = serviceOf(name)
    const [, ...words] = service.command ?? []
    const args = words.map((word) =>
      word.replace('broker:1883', `127.0.0.1:${mqtt}`).replace('portal:8080', `127.0.0.1:${http}`),
    )
    return { args, env: { PATH: process.env['PATH'] ?? '', ...environmentOf(service, secrets) } }
  }

  it('platform: ready, healthy, seeded by its own command, and stopped in order', async () => {
    const port = { PADBORG_MQTT_PORT: '0', PADBORG_MQTT_WS_PORT: '0', PADBORG_HTTP_PORT: '0' }
    const platform = await start('platform', port)
    const { http = 0 } = platform.ready
    await waitFor(() => health('platform', http) === 0, {
      timeoutMs: 60_000,
      what: 'the health check',
    })
    expect(await api(http, '/')).toMatchObject({ status: 200 })
    expect((await api(http, '/')).text).toContain('<script type="module"')
    expect(await api(http, '/api/v1/tenants')).toMatchObject({ status: 200 })
    expect(await api(http, '/api/v1/tenants', 'pbk_another-key-0123456789')).toMatchObject({
      status: 401,
    })

    const { args, env } = seeds('seed', platform.ready)
    expect(JSON.stringify(args)).not.toContain(secrets['PADBORG_ADMIN_KEY'])
    const seeded = await run(app, args, env)
    expect(seeded.code, seeded.said).toBe(0)
    await waitFor(async () => (await api(http, '/health/ready')).text.includes('"lagMessages":0'), {
      timeoutMs: 120_000,
      what: 'the history to be stored',
    })
    expect(await measurementsOf(influx)).toEqual(expect.arrayContaining(['truck', 'heat_meter']))
    const { text } = await api(http, '/api/v1/delivery?limit=1')
    expect(JSON.parse(text).data[0]).toMatchObject({ rejected: 0, pending: 0 })

    const live = seeds('simulators', platform.ready)
    const fleet = await startProcess(app, ['node', ...live.args], live.env)
    running.push(fleet)
    expect(fleet.said()).toMatch(/"live":true/)
    expect(await fleet.stop()).toBe(0)
    expect(await platform.stop()).toBe(0)
    expect(health('platform', http)).toBe(1)
  })

  it('intake and api: one registry, health of both, and the truth when one is gone', async () => {
    const port = { PADBORG_MQTT_PORT: '0', PADBORG_MQTT_WS_PORT: '0', PADBORG_INGEST_PORT: '0' }
    const intake = await start('intake', port)
    const { ingest = 0, mqtt = 0 } = intake.ready
    expect(intake.ready.http).toBeUndefined()
    await waitFor(() => health('intake', ingest) === 0, {
      timeoutMs: 60_000,
      what: 'the health check of the intake',
    })
    const url = `http://127.0.0.1:${ingest}`
    const front = await start('api', {
      PADBORG_INGEST_URL: url,
      PADBORG_HTTP_PORT: '0',
    })
    const { http = 0 } = front.ready
    expect(front.ready.mqtt).toBeUndefined()
    await waitFor(() => health('api', http) === 0, {
      timeoutMs: 60_000,
      what: 'the health check of the API',
    })
    const { args, env } = seeds('seed', { mqtt, http })
    const seeded = await run(app, args, env)
    expect(seeded.code, seeded.said).toBe(0)
    expect(await intake.stop()).toBe(0)
    await waitFor(() => health('api', http) === 1, {
      timeoutMs: 60_000,
      what: 'the API to miss its intake',
    })
    expect(await front.stop()).toBe(0)
  })

  it.skipIf(!hasMosquitto)('foreign: two intakes share what mosquitto has', async () => {
    const port = await freePort()
    mkdirSync(join(dir.path, 'mosquitto'))
    const broker = startMosquitto(join(dir.path, 'mosquitto'), port)
    try {
      const [first, second] = ['intake-1', 'intake-2'] as const
      const addresses: string[] = []
      for (const name of [first, second]) {
        const given = environmentOf(serviceOf(name), secrets)['PADBORG_MQTT_URL'] ?? ''
        const url = given.replace('mosquitto:1883', `127.0.0.1:${port}`)
        const here = { PADBORG_MQTT_URL: url, PADBORG_INGEST_PORT: '0' }
        const { ready } = await start(name, here)
        const { ingest = 0 } = ready
        await waitFor(() => health(name, ingest) === 0, {
          timeoutMs: 60_000,
          what: `the health check of ${name}`,
        })
        addresses.push(`http://127.0.0.1:${ingest}`)
      }
      const intakes = { PADBORG_INGEST_URL: addresses.join(','), PADBORG_HTTP_PORT: '0' }
      const front = await start('api-foreign', intakes)
      const { http = 0 } = front.ready
      await waitFor(() => health('api-foreign', http) === 0, {
        what: 'the health check of the API',
      })
      await post(http, '/tenants', { id: 'acme', name: 'Acme' })
      await post(http, '/devices', { id: 't1', tenant: 'acme', kind: 'truck' })
      const device = await connectAsync(`mqtt://127.0.0.1:${port}`, {
        username: 'devices',
        password: secrets['MOSQUITTO_DEVICES_PASSWORD'] ?? '',
      })
      for (let seq = 1; seq <= 50; seq += 1) {
        const payload = { v: 1, kind: 'truck', ts: Date.now(), seq, data: { speedKmh: seq } }
        const text = JSON.stringify(payload)
        await device.publishAsync('padborg/v1/acme/t1/telemetry', text, { qos: 1 })
      }
      await device.endAsync()
      const sums = async () => {
        const { text } = await api(http, '/api/v1/delivery?device=acme.t1')
        return JSON.parse(text).data?.[0] ?? {}
      }
      await waitFor(async () => (await sums()).stored === 50, {
        timeoutMs: 60_000,
        what: '50 stored messages',
      })
      expect(await sums()).toMatchObject({ accepted: 50, rejected: 0, duplicate: 0, pending: 0 })
    } finally {
      broker.kill('SIGKILL')
    }
  })
})

describe.skipIf(!hasMosquitto)('the foreign broker of docker-compose.yml', () => {
  let dir: ReturnType<typeof temporaryDir>
  let broker: ChildProcess | null = null

  beforeEach(() => {
    dir = temporaryDir('mosquitto')
  })
  afterEach(() => {
    broker?.kill('SIGKILL')
    dir.remove()
  })

  it('lets each account reach its own topics only, and reports healthy', async () => {
    const port = await freePort()
    broker = startMosquitto(dir.path, port)
    const health = () => {
      const [, text = ''] = compose.services['mosquitto']?.healthcheck?.test ?? []
      const command = interpolate(text, {}).replace('-h 127.0.0.1', `-h 127.0.0.1 -p ${port}`)
      return spawnSync('sh', ['-c', command], { env: { ...process.env, ...secrets } }).status
    }
    await waitFor(() => health() === 0, { timeoutMs: 30_000, what: 'the health check' })
    const connect = (username: string, password = '') =>
      connectAsync(`mqtt://127.0.0.1:${port}`, { username, password, reconnectPeriod: 0 })
    await expect(connect('devices', 'wrong')).rejects.toThrow(/[Nn]ot authorized/)
    await expect(connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 })).rejects.toThrow(
      /[Nn]ot authorized/,
    )

    const intake = await connect('padborg-ingest', secrets['MOSQUITTO_INGEST_PASSWORD'])
    const devices = await connect('devices', secrets['MOSQUITTO_DEVICES_PASSWORD'])
    const heard: string[] = []
    intake.on('message', (topic) => heard.push(`intake ${topic}`))
    devices.on('message', (topic) => heard.push(`devices ${topic}`))
    await intake.subscribeAsync(['#'], { qos: 1 })
    await devices.subscribeAsync(['padborg/v1/#'], { qos: 1 })
    // What is not theirs is acknowledged and goes nowhere; what is theirs comes behind it.
    await devices.publishAsync('elsewhere', 'x', { qos: 1 })
    await devices.publishAsync('padborg/v1/acme/t1/errors', 'x', { qos: 1 })
    await intake.publishAsync('padborg/v1/acme/t1/telemetry', 'x', { qos: 1 })
    await devices.publishAsync('padborg/v1/acme/t1/status', 'x', { qos: 1 })
    await intake.publishAsync('padborg/v1/acme/t1/errors', 'x', { qos: 1 })
    await waitFor(() => heard.length >= 3)
    expect(heard.toSorted()).toEqual([
      'devices padborg/v1/acme/t1/errors',
      'intake padborg/v1/acme/t1/errors',
      'intake padborg/v1/acme/t1/status',
    ])
    await Promise.all([intake.endAsync(), devices.endAsync()])
    expect(readFileSync(join(dir.path, 'run', 'passwords'), 'utf8')).not.toContain(
      secrets['MOSQUITTO_DEVICES_PASSWORD'],
    )
  })
})

function serviceOf(name: string): Service {
  const service = compose.services[name]
  if (!service) throw new Error(`there is no service ${name}`)
  return service
}

/** Asked of the server itself: nothing else shows that the platform writes there. */
async function measurementsOf({ url, username, password }: TestServer): Promise<string[]> {
  const login = Buffer.from(`${username}:${password}`).toString('base64')
  const response = await fetch(`${url}/query?db=padborg&q=SHOW+MEASUREMENTS`, {
    headers: { authorization: `Basic ${login}` },
  })
  return [...(await response.text()).matchAll(/\["(\w+)"\]/g)].map(([, name = '']) => name)
}

function influxSettings({ url, username, password }: TestServer): Record<string, string> {
  return {
    INFLUX_URL: url,
    INFLUX_DATABASE: 'padborg',
    INFLUX_USERNAME: username,
    INFLUX_PASSWORD: password,
  }
}

/** The start script with the folders of this machine; mosquitto gives root away unless told not to. */
function startMosquitto(dir: string, port: number): ChildProcess {
  const here = (text: string) =>
    text
      .replaceAll('/run/mosquitto', join(dir, 'run'))
      .replaceAll('/etc/padborg', dir)
      .replaceAll('/mosquitto/data', join(dir, 'data'))
      .replace('listener 1883', `listener ${port} 127.0.0.1`)
  for (const name of ['run', 'data']) mkdirSync(join(dir, name))
  for (const name of ['start.sh', 'mosquitto.conf', 'acl']) {
    const text = readFileSync(join(ROOT, 'deploy/mosquitto', name), 'utf8')
    const isConfig = name === 'mosquitto.conf' && process.getuid?.() === 0
    writeFileSync(join(dir, name), `${here(text)}${isConfig ? '\nuser root\n' : ''}`)
  }
  const env = { ...process.env, ...secrets }
  return spawn('sh', [join(dir, 'start.sh')], { env, stdio: 'ignore' })
}
