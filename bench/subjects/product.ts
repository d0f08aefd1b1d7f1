import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ADMIN_KEY, startPlatform, type Platform } from '../../tests/support/platform.ts'
import { FLEET_SIZE, type Probe, type Subject } from './subject.ts'

const TENANT = 'bench'

/** 328 bytes, as long as the peer's. */
const PAYLOAD =
  '{"v":1,"kind":"truck","ts":${ts},"seq":${seq},"data":{"lat":${f:47000000:55000000:6},"lon":${f:6000000:15000000:6},"altM":${f:0:900:1},"speedKmh":${f:0:900:1},"headingDeg":${f:0:3599:1},"odometerM":${i:1000000:9999999},"fuelPct":${f:0:1000:1},"ambientC":${f:0:300:1},"engineHoursH":${f:1000:99999:1}},"radio":{"rat":"nr-sa","rsrpDbm":-${i:80:120},"rsrqDb":-${i:5:19},"sinrDb":${i:0:30},"cellId":"5C42250${i:1:9}","band":"n78","operator":"238-01"}}'

export interface ProductOptions {
  /** The product's data and the generator's files go here. */
  readonly dir: string
  readonly env?: Readonly<Record<string, string>>
  /** Folder of the sources that run; this checkout without it. */
  readonly checkout?: string
}

interface Credentials {
  readonly device: string
  readonly username: string
  readonly password: string
}

/** The platform as shipped: authentication on, PUBACK after fsync. */
export async function product({ dir, env = {}, checkout }: ProductOptions): Promise<Subject> {
  const platform = await startPlatform({
    dataDir: join(dir, 'data'),
    env: { PADBORG_JOURNAL_SEGMENT_BYTES: String(64 * 1024 * 1024), ...env },
    ...(checkout === undefined ? {} : { root: checkout }),
  })
  const { ready, api } = platform
  const fleet = await registerFleet(platform)
  return {
    name: 'product',
    pids: { product: ready.pid },
    http: ready.http,
    load: loadArguments(dir, ready.mqtt, fleet),
    async rows() {
      const { body } = await api('/delivery?limit=10000')
      return body.data.reduce((sum: number, row: { stored: number }) => sum + row.stored, 0)
    },
    probe: probeOf(platform, fleet.at(-1)),
    stop: async () => void (await platform.stop()),
  }
}

async function registerFleet({ api }: Platform): Promise<readonly Credentials[]> {
  await api('/tenants', { body: { id: TENANT, name: 'Bench' } })
  const fleet: Credentials[] = []
  for (let n = 0; n < FLEET_SIZE; n += 1) {
    const device = `truck-${String(n).padStart(5, '0')}`
    await api('/devices', { body: { id: device, tenant: TENANT, kind: 'truck' } })
    const { body } = await api(`/devices/${TENANT}.${device}/credentials`, { body: {} })
    fleet.push({ device, username: body.username, password: body.password })
  }
  return fleet
}

/** The generator reads credentials and payload from files. */
function loadArguments(dir: string, port: number, fleet: readonly Credentials[]): string[] {
  const credentials = join(dir, 'creds.csv')
  const payload = join(dir, 'payload.txt')
  const lines = fleet.map(
    ({ username, password, device }, n) => `c${n},${username},${password},${device}\n`,
  )
  writeFileSync(credentials, lines.join(''))
  writeFileSync(payload, PAYLOAD)
  const files = ['--creds', credentials, '--payload', payload]
  return ['--port', String(port), ...files, '--topic', `padborg/v1/${TENANT}/{dev}/telemetry`]
}

function probeOf({ ready }: Platform, credentials: Credentials | undefined): Probe | null {
  if (!credentials) return null
  const { device, username, password } = credentials
  const headers = { authorization: `Bearer ${ADMIN_KEY}` }
  const latest = `kind=truck&device=${TENANT}.${device}&order=desc&limit=5`
  return {
    url: `mqtt://127.0.0.1:${ready.mqtt}`,
    topic: `padborg/v1/${TENANT}/${device}/telemetry`,
    username,
    password,
    payload: (seq) =>
      `{"v":1,"kind":"truck","ts":${Date.now()},"seq":${seq},"data":{"speedKmh":1.5}}`,
    async isThere(seq) {
      const from = new Date(Date.now() - 60_000).toISOString()
      const address = `http://127.0.0.1:${ready.http}/api/v1/readings?${latest}&from=${from}`
      return (await (await fetch(address, { headers })).text()).includes(`"seq":${seq},`)
    },
  }
}
