import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'

export const ADMIN_KEY = 'pbk_test-admin-key-0123456789'
const ROOT = new URL('../..', import.meta.url).pathname

export interface Ready {
  readonly ready: true
  readonly pid: number
  readonly mqtt: number
  readonly mqttWs: number
  readonly http: number
}

export interface StartOptions {
  readonly dataDir: string
  readonly env?: Readonly<Record<string, string>>
  /** What is started, and its arguments: `main.ts` without any. */
  readonly command?: readonly string[]
  /** Folder of the sources; this checkout without it. */
  readonly root?: string
}

/** A platform in a process of its own, as an operator starts it. */
export interface Platform {
  readonly ready: Ready
  readonly process: ChildProcess
  /** Everything written to standard error so far. */
  log(): string
  readonly api: (
    path: string,
    init?: { method?: string; body?: unknown; key?: string },
  ) => Promise<ApiAnswer>
  readonly mqtt: (options: IClientOptions) => Promise<MqttClient>
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>
  kill(): Promise<void>
}

export interface ApiAnswer {
  readonly status: number
  // Answers are looked at by tests, which say what they expect.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any
}

export function temporaryDir(name: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `padborg-${name}-`))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export async function startPlatform({
  dataDir,
  env = {},
  command = ['main.ts'],
  root = ROOT,
}: StartOptions): Promise<Platform> {
  const start = startCommand(root)
  const child = spawn(start.node, [...start.flags, ...command], {
    cwd: root,
    env: {
      ...start.env,
      PATH: process.env['PATH'],
      PADBORG_DATA_DIR: dataDir,
      PADBORG_ADMIN_KEY: ADMIN_KEY,
      PADBORG_MQTT_PORT: '0',
      PADBORG_MQTT_WS_PORT: '0',
      PADBORG_HTTP_PORT: '0',
      PADBORG_JOURNAL_SEGMENT_BYTES: String(4 * 1024 * 1024),
      PADBORG_JOURNAL_FREE_BYTES: '0',
      PADBORG_LOG_LEVEL: 'warn',
      // Breaks a promise on purpose in any test (CONTRIBUTING).
      PADBORG_FAULT: process.env['PADBORG_FAULT'] ?? 'none',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const ready = await readyLine(child, exited, () => errors)
  return {
    ready,
    process: child,
    log: () => errors,
    api: (path, init) => callApi(ready.http, path, init),
    mqtt: (options) =>
      connected(connect(`mqtt://127.0.0.1:${ready.mqtt}`, { reconnectPeriod: 0, ...options })),
    async stop() {
      child.kill('SIGTERM')
      return await exited
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** "exec env NAME=value node --flag ... main.ts": the platform is started as by `npm start` of its folder. */
function startCommand(root: string) {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const words: string[] = scripts.start.split(' ')
  const nodeAt = words.indexOf('node')
  const ownNode = join(root, 'node_modules/.bin/node')
  return {
    node: root !== ROOT && existsSync(ownNode) ? ownNode : process.execPath,
    env: Object.fromEntries(words.slice(2, nodeAt).map((word) => word.split('='))),
    flags: words.slice(nodeAt + 1, -1),
  }
}

/** Unlike `connectAsync` it also ends when the platform is killed before its CONNACK. */
function connected(client: MqttClient): Promise<MqttClient> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      client.end(true)
      reject(error)
    }
    const closed = () => failed(new Error('the connection was closed before its CONNACK'))
    client.once('error', failed)
    client.once('close', closed)
    client.once('connect', () => {
      client.off('error', failed)
      client.off('close', closed)
      resolve(client)
    })
  })
}

function readyLine(
  child: ChildProcess,
  exited: Promise<number | null>,
  errors: () => string,
): Promise<Ready> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const end = text.indexOf('\n')
      if (end >= 0) resolve(JSON.parse(text.slice(0, end)))
    })
    void exited.then((code) => reject(new Error(`the platform ended with ${code}: ${errors()}`)))
  })
}

async function callApi(
  port: number,
  path: string,
  init: { method?: string; body?: unknown; key?: string } = {},
): Promise<ApiAnswer> {
  const { method = init.body === undefined ? 'GET' : 'POST', key = ADMIN_KEY } = init
  const address =
    path.startsWith('/api') || path.startsWith('/health') || path.startsWith('/metrics')
      ? path
      : `/api/v1${path}`
  const response = await fetch(`http://127.0.0.1:${port}${address}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') ?? false
  return { status: response.status, body: isJson && text !== '' ? JSON.parse(text) : text }
}

export interface TestDevice {
  readonly id: string
  readonly username: string
  readonly password: string
  readonly topic: string
}

/** Registers a device (and its tenant when needed) with credentials. */
export async function addDevice(
  platform: Platform,
  device: { tenant: string; id: string; kind: string; format?: string; topics?: string[] },
): Promise<TestDevice> {
  const { tenant, id } = device
  await platform.api('/tenants', { body: { id: tenant, name: tenant } })
  const made = await platform.api('/devices', { body: device })
  if (made.status !== 201) throw new Error(`device ${id}: ${JSON.stringify(made.body)}`)
  const full = `${tenant}.${id}`
  const { body } = await platform.api(`/devices/${full}/credentials`, { body: {} })
  return {
    id: full,
    username: body.username,
    password: body.password,
    topic: `padborg/v1/${tenant}/${id}/telemetry`,
  }
}

/** The sums of one device. */
export async function deliveryOf(platform: Platform, device: string) {
  const { body } = await platform.api(`/delivery?device=${device}`)
  return body.data[0]
}
