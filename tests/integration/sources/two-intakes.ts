import { join } from 'node:path'
import { startPlatform, temporaryDir, type Platform } from '../../support/platform.ts'
import { startCountingProxy, type CountingProxy } from './counting-proxy.ts'
import { PASSWORD, USER, freePort, startMosquitto, type Mosquitto } from './mosquitto.ts'

/** Two intakes as an operator starts them, sharing a subscription at one Mosquitto. */
export interface TwoIntakes {
  readonly mosquitto: Mosquitto
  /** What stands before each intake, in the order of `intakes`. */
  readonly proxies: readonly CountingProxy[]
  readonly intakes: readonly Platform[]
  /** Where the API is asked: every one of them has rows of its own. */
  readonly apis: readonly Platform[]
  kill(at: number): Promise<void>
  start(at: number): Promise<void>
  close(): Promise<void>
}

export interface Layout {
  /** `apart`: intakes without an API, and an api role before both. */
  readonly roles: 'together' | 'apart'
  /** The store, for the processes that need it. */
  readonly store: Readonly<Record<string, string>>
}

const MOSQUITTO = ['max_inflight_messages 1000', 'max_queued_messages 0', 'set_tcp_nodelay true']
const SECRET = 'a-secret-of-thirty-two-characters-and-more'

export async function startTwoIntakes({ roles, store }: Layout): Promise<TwoIntakes> {
  const mosquitto = await startMosquitto(MOSQUITTO)
  const dirs = ['foreign-a', 'foreign-b'].map((name) => temporaryDir(name))
  const apiDir = temporaryDir('foreign-api')
  const registry = join(apiDir.path, 'registry.db')
  const proxies = await Promise.all(dirs.map(() => startCountingProxy(mosquitto.port)))
  const ports = await Promise.all(dirs.map(() => freePort()))
  const intakes: Platform[] = []
  for (const at of dirs.keys()) await start(at)
  const apis = roles === 'together' ? intakes : [await startApi()]

  return {
    mosquitto,
    proxies,
    intakes,
    apis,
    start,
    async kill(at) {
      await intakes[at]?.kill()
    },
    async close() {
      for (const platform of new Set([...apis, ...intakes])) await platform.kill()
      for (const proxy of proxies) await proxy.close()
      await mosquitto.remove()
      for (const dir of [...dirs, apiDir]) dir.remove()
    },
  }

  async function start(at: number): Promise<void> {
    const { port = 0 } = proxies[at] ?? {}
    const address = {
      PADBORG_INGEST_PORT: String(ports[at]),
      PADBORG_INGEST_SECRET: SECRET,
    }
    intakes[at] = await startPlatform({
      dataDir: dirs[at]?.path ?? '',
      command: roles === 'together' ? ['main.ts'] : ['main.ts', 'ingest'],
      env: {
        ...store,
        ...(roles === 'together' ? {} : address),
        PADBORG_MQTT_URL: `mqtt://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`,
        PADBORG_MQTT_SHARE: 'intakes',
        PADBORG_REGISTRY: registry,
        // So long that an acknowledgement before the commit would be lost with the process.
        PADBORG_JOURNAL_WINDOW_MS: '50',
      },
    })
  }

  async function startApi(): Promise<Platform> {
    return await startPlatform({
      dataDir: apiDir.path,
      command: ['main.ts', 'api'],
      env: {
        ...store,
        PADBORG_INGEST_URL: ports.map((port) => `http://127.0.0.1:${port}`).join(','),
        PADBORG_INGEST_SECRET: SECRET,
        PADBORG_REGISTRY: registry,
      },
    })
  }
}
