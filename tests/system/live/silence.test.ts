import { createServer, type AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ADMIN_KEY,
  addDevice,
  startPlatform,
  temporaryDir,
  type Platform,
} from '../../support/platform.ts'
import { waitFor } from '../../support/wait-for.ts'
import { watch, type LiveStream, type WatchOptions } from '../../support/live-stream.ts'

const LIVE = { PADBORG_LIVE_HEARTBEAT_SECONDS: '0.2', PADBORG_STATE_SILENCE_S: '2' }
const SECRET = 'a-secret-of-thirty-two-characters-and-more'
const TOPIC = 'uagv/v2/KIT/0001'

interface Place {
  readonly intake: Platform
  readonly api: Platform
  /** Where the metrics of the intake are. */
  readonly metricsPort: number
}

async function oneProcess(dataDir: string): Promise<Place> {
  const all = await startPlatform({ dataDir, env: LIVE })
  return { intake: all, api: all, metricsPort: all.ready.http }
}

async function rolesApart(dataDir: string): Promise<Place> {
  const port = await freePort()
  const start = (roles: string[], env: Record<string, string>) =>
    startPlatform({
      dataDir,
      env: { ...LIVE, PADBORG_INGEST_SECRET: SECRET, ...env },
      command: ['tests/support/role-process.ts', ...roles],
    })
  const intake = await start(['broker', 'ingest'], { PADBORG_INGEST_PORT: String(port) })
  const api = await start(['api'], { PADBORG_INGEST_URL: `http://127.0.0.1:${port}` })
  await waitFor(async () => (await api.api('/health/ready')).status === 200)
  return { intake, api, metricsPort: port }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A TCP server that listens has such an address.
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe.each([
  { what: 'one process', start: oneProcess },
  { what: 'roles apart', start: rolesApart },
])('a robot that is ONLINE and sends no state, $what', ({ start }) => {
  let dir: ReturnType<typeof temporaryDir>
  let place: Place
  const streams: LiveStream[] = []

  beforeEach(async () => {
    dir = temporaryDir('silence')
    place = await start(dir.path)
  })
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.cut()
    for (const one of new Set([place.api, place.intake])) await one.stop()
    dir.remove()
  })

  async function see(options: WatchOptions = {}): Promise<LiveStream> {
    const stream = await watch(place.api, options)
    streams.push(stream)
    await waitFor(() => stream.text().includes('\nid: '))
    return stream
  }

  async function keyOf(role: string, tenant?: string): Promise<string> {
    const { body } = await place.api.api('/keys', { body: { role, tenant, name: role } })
    return String(body.key)
  }

  const silencesOf = ({ events }: LiveStream) => events.filter(({ event }) => event === 'silence')

  async function silentFinding() {
    const { body } = await place.api.api('/devices/acme.r1/conformance')
    return body.findings.find(({ code }: { code: string }) => code === 'state_silent') ?? null
  }

  async function gauge(): Promise<string | undefined> {
    const answer = await fetch(`http://127.0.0.1:${place.metricsPort}/metrics`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    })
    return /^padborg_silent_robots (\d+)$/m.exec(await answer.text())?.[1]
  }

  it('is reported once when it begins and once when it ends, to those who may see it', async () => {
    const device = await addDevice(place.api, {
      tenant: 'acme',
      id: 'r1',
      kind: 'robot',
      format: 'vda5050',
      topics: [`${TOPIC}/+`],
    })
    await addDevice(place.api, { tenant: 'beta', id: 't1', kind: 'truck' })
    const admin = await see()
    const owner = await see({ key: await keyOf('tenant-viewer', 'acme') })
    const others = await Promise.all([
      see({ key: await keyOf('tenant-viewer', 'beta') }),
      see({ key: await keyOf('engineer') }),
      see({ query: '?kind=truck' }),
      see({ query: '?device=beta.t1' }),
    ])
    const { username, password } = device
    const robot = await waitFor(() =>
      place.intake.mqtt({ username, password, clientId: 'r1' }).catch(() => null),
    )
    const header = { timestamp: new Date().toISOString(), version: '2.1.0' }
    const own = { ...header, manufacturer: 'KIT', serialNumber: '0001' }
    const send = (topic: string, payload: object) =>
      robot.publishAsync(`${TOPIC}/${topic}`, JSON.stringify({ ...own, ...payload }), { qos: 1 })
    const connection = (connectionState: string) =>
      send('connection', { headerId: 1, connectionState })

    await connection('ONLINE')
    await send('state', STATE)
    await waitFor(() => silencesOf(admin).length === 1, { timeoutMs: 20_000 })
    const [began] = silencesOf(admin)
    expect(began).toMatchObject({
      id: '',
      data: { device: 'acme.r1', topic: `${TOPIC}/state`, limitSeconds: 2, ended: null },
    })
    const reading = admin.events.find(({ event }) => event === 'reading')
    expect(began?.data.since).toBe(reading?.data.receivedAt)
    expect(await silentFinding()).toMatchObject({ severity: 'error', path: `${TOPIC}/state` })
    expect(await gauge()).toBe('1')

    await connection('OFFLINE')
    await waitFor(() => silencesOf(admin).length === 2, { timeoutMs: 20_000 })
    expect(silencesOf(admin)[1]?.data).toMatchObject({
      since: began?.data.since,
      endedBy: 'connection',
    })
    expect(await silentFinding()).toBeNull()
    expect(await gauge()).toBe('0')

    await connection('ONLINE')
    await waitFor(() => silencesOf(admin).length === 3, { timeoutMs: 20_000 })
    await send('state', { ...STATE, headerId: 2 })
    await waitFor(() => silencesOf(admin).length === 4, { timeoutMs: 20_000 })
    expect(silencesOf(admin)[3]?.data).toMatchObject({ endedBy: 'state' })
    await waitFor(() => silencesOf(owner).length >= 4)
    expect(silencesOf(owner).map(({ data }) => data)).toEqual(
      silencesOf(admin).map(({ data }) => data),
    )
    for (const stream of others) expect(silencesOf(stream)).toEqual([])

    // No id of its own: a viewer that comes back goes on after the last reading, and is shown nothing twice.
    const again = await see({ lastId: reading?.id ?? '' })
    await waitFor(() => again.events.length > 0)
    expect(again.events.every(({ event, id }) => event === 'silence' || id !== '')).toBe(true)
    expect(again.events.filter(({ event }) => event === 'gap')).toEqual([])
    const log = place.intake.log()
    expect(log.split('a robot is ONLINE and sends no state')).toHaveLength(3)
    await robot.endAsync()
  })
})

const STATE = {
  headerId: 1,
  orderId: '',
  orderUpdateId: 0,
  lastNodeId: '',
  lastNodeSequenceId: 0,
  nodeStates: [],
  edgeStates: [],
  actionStates: [],
  driving: false,
  batteryState: { batteryCharge: 50, charging: false },
  operatingMode: 'AUTOMATIC',
  errors: [],
  safetyState: { eStop: 'NONE', fieldViolation: false },
}
