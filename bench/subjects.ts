import { spawn } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ADMIN_KEY, startPlatform } from '../tests/support/platform.ts'
import { listening, stopped } from './processes.ts'

const ROOT = new URL('..', import.meta.url).pathname
export const FLEET = 1000

/** One thing under measurement: how to load it, what processes it has, what it has stored. */
export interface Subject {
  readonly name: string
  readonly pids: Readonly<Record<string, number>>
  /** Port of the API, where there is one. */
  readonly http?: number
  /** Arguments of the generator that belong to this subject. */
  readonly load: readonly string[]
  /** Rows that can be queried now. */
  rows(): Promise<number>
  /** Publishes one message and answers true when a query shows it. */
  readonly probe: Probe | null
  stop(): Promise<void>
}

export interface Probe {
  readonly url: string
  readonly topic: string
  readonly username?: string
  readonly password?: string
  payload(seq: number): string
  isThere(seq: number): Promise<boolean>
}

/** The platform as shipped: authentication on, PUBACK after fsync. */
export async function product(dir: string, env: Record<string, string> = {}): Promise<Subject> {
  const platform = await startPlatform({
    dataDir: join(dir, 'data'),
    env: { PADBORG_JOURNAL_SEGMENT_BYTES: String(64 * 1024 * 1024), ...env },
  })
  const { ready, api } = platform
  await api('/tenants', { body: { id: 'bench', name: 'Bench' } })
  const lines: string[] = []
  for (let n = 0; n < FLEET; n += 1) {
    const id = `truck-${String(n).padStart(5, '0')}`
    await api('/devices', { body: { id, tenant: 'bench', kind: 'truck' } })
    const { body } = await api(`/devices/bench.${id}/credentials`, { body: {} })
    lines.push(`c${n},${body.username},${body.password},${id}`)
  }
  const creds = join(dir, 'creds.csv')
  const payload = join(dir, 'payload.txt')
  writeFileSync(creds, `${lines.join('\n')}\n`)
  writeFileSync(payload, PAYLOAD)
  const [, username = '', password = '', device = ''] = (lines.at(-1) ?? '').split(',')
  const headers = { authorization: `Bearer ${ADMIN_KEY}` }
  return {
    name: 'product',
    pids: { product: ready.pid },
    http: ready.http,
    load: [
      '--port',
      String(ready.mqtt),
      '--creds',
      creds,
      '--payload',
      payload,
      '--topic',
      'padborg/v1/bench/{dev}/telemetry',
    ],
    async rows() {
      const { body } = await api('/delivery?limit=10000')
      return body.data.reduce((sum: number, row: { stored: number }) => sum + row.stored, 0)
    },
    probe: {
      url: `mqtt://127.0.0.1:${ready.mqtt}`,
      topic: `padborg/v1/bench/${device}/telemetry`,
      username,
      password,
      payload: (seq) =>
        `{"v":1,"kind":"truck","ts":${Date.now()},"seq":${seq},"data":{"speedKmh":1.5}}`,
      async isThere(seq) {
        const address = `http://127.0.0.1:${ready.http}/api/v1/readings?kind=truck&device=bench.${device}&order=desc&limit=5&from=${new Date(Date.now() - 60_000).toISOString()}`
        return (await (await fetch(address, { headers })).text()).includes(`"seq":${seq},`)
      },
    },
    stop: async () => void (await platform.stop()),
  }
}

/** 328 bytes, as long as the peer's. */
const PAYLOAD =
  '{"v":1,"kind":"truck","ts":${ts},"seq":${seq},"data":{"lat":${f:47000000:55000000:6},"lon":${f:6000000:15000000:6},"altM":${f:0:900:1},"speedKmh":${f:0:900:1},"headingDeg":${f:0:3599:1},"odometerM":${i:1000000:9999999},"fuelPct":${f:0:1000:1},"ambientC":${f:0:300:1},"engineHoursH":${f:1000:99999:1}},"radio":{"rat":"nr-sa","rsrpDbm":-${i:80:120},"rsrqDb":-${i:5:19},"sinrDb":${i:0:30},"cellId":"5C42250${i:1:9}","band":"n78","operator":"238-01"}}'

/** Plain Aedes, one process, nothing behind it: neither checked nor stored nor durable. */
export async function plainAedes(tools: string, dir: string): Promise<Subject> {
  const port = 21885
  const folder = peerFolder(tools, dir)
  const child = spawn(process.execPath, ['aedes-plain.mjs', String(port)], {
    cwd: folder,
    stdio: 'ignore',
  })
  await listening(port)
  return {
    name: 'plain Aedes',
    pids: { aedes: child.pid ?? 0 },
    load: ['--port', String(port)],
    rows: () => Promise.resolve(Number.NaN),
    probe: null,
    stop: () => stopped(child),
  }
}

/** mosquitto -> Node consumer -> InfluxDB 1.x: what a user would assemble instead. */
export async function peerPipeline(tools: string, dir: string): Promise<Subject> {
  const folder = peerFolder(tools, dir)
  const influx = spawn('influxd', ['-config', 'influxdb.conf'], { cwd: folder, stdio: 'ignore' })
  await listening(8086)
  await fetch('http://127.0.0.1:8086/query?q=CREATE+DATABASE+bench', { method: 'POST' })
  const mosquitto = spawn('mosquitto', ['-c', 'mosquitto.conf'], { cwd: folder, stdio: 'ignore' })
  await listening(1884)
  const consumer = spawn(process.execPath, ['consumer.mjs'], { cwd: folder, stdio: 'ignore' })
  await pause(1500)
  const query = async (q: string) =>
    (await fetch(`http://127.0.0.1:8086/query?db=bench&q=${encodeURIComponent(q)}`)).text()
  return {
    name: 'peer',
    pids: { mosquitto: mosquitto.pid ?? 0, consumer: consumer.pid ?? 0, influxd: influx.pid ?? 0 },
    load: ['--port', '1884'],
    async rows() {
      const answer = JSON.parse(await query('SELECT count(seq) FROM telemetry'))
      return answer.results?.[0]?.series?.[0]?.values?.[0]?.[1] ?? 0
    },
    probe: {
      url: 'mqtt://127.0.0.1:1884',
      topic: 'fleet/99999/telemetry',
      payload: (seq) => peerPayload(seq),
      isThere: async (seq) =>
        (
          await query(
            `SELECT seq FROM telemetry WHERE device='truck-99999' ORDER BY time DESC LIMIT 5`,
          )
        ).includes(`${seq}`),
    },
    async stop() {
      for (const child of [consumer, mosquitto, influx]) await stopped(child)
    },
  }
}

function peerPayload(seq: number): string {
  return JSON.stringify({
    v: 1,
    deviceId: 'truck-99999',
    class: 'heavy',
    town: 'town-1',
    seq,
    ts: Date.now(),
    pos: { lat: 48.1, lon: 11.5, alt: 500 },
    speed: 1.5,
    heading: 1.5,
    radio: { rssi: -60, snr: 1.5, rsrp: -99, rsrq: -10, cell: '262-01-1000' },
    engineTemp: 80.5,
    fuel: 50.5,
    odoKm: 1000.5,
    batteryV: 24.5,
    heatKw: 55.5,
  })
}

/** The peer's files in a folder of their own, beside our packages. */
function peerFolder(tools: string, dir: string): string {
  const folder = join(dir, 'peers')
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(join(tools, 'peers'))) {
    copyFileSync(join(tools, 'peers', name), join(folder, name))
  }
  const modules = join(folder, 'node_modules')
  try {
    symlinkSync(join(ROOT, 'node_modules'), modules)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return folder
}

/** Whether the consumer of the peer can run: its client library is installed only for the bench. */
export function hasPeerPackages(): boolean {
  try {
    readFileSync(join(ROOT, 'node_modules/@influxdata/influxdb-client/package.json'))
    return true
  } catch {
    return false
  }
}
