import { join } from 'node:path'
import { startPlatform, temporaryDir, type Platform } from '../../../support/platform.ts'
import { startCountingProxy, type CountingProxy } from './counting-proxy.ts'
import { Mosquitto, PASSWORD, USER, freePort } from './mosquitto.ts'

export interface Layout {
  /** `apart`: intakes without an API, and an api role before both. */
  readonly roles: 'together' | 'apart'
  /** The store, for the processes that need it. */
  readonly store: Readonly<Record<string, string>>
}

const MOSQUITTO = ['max_inflight_messages 1000', 'max_queued_messages 0', 'set_tcp_nodelay true']
const SECRET = 'a-secret-of-thirty-two-characters-and-more'

/** Two intakes as an operator starts them, sharing a subscription at one Mosquitto. */
export class TwoIntakes {
  readonly mosquitto: Mosquitto
  /** What stands before each intake, in the order of `intakes`. */
  readonly proxies: readonly CountingProxy[]
  readonly intakes: Platform[] = []
  readonly #layout: Layout
  readonly #ports: readonly number[]
  readonly #dirs = ['foreign-a', 'foreign-b'].map((name) => temporaryDir(name))
  readonly #apiDir = temporaryDir('foreign-api')
  #api: Platform | null = null

  private constructor(
    layout: Layout,
    mosquitto: Mosquitto,
    proxies: readonly CountingProxy[],
    ports: readonly number[],
  ) {
    this.#layout = layout
    this.mosquitto = mosquitto
    this.proxies = proxies
    this.#ports = ports
  }

  static async start(layout: Layout): Promise<TwoIntakes> {
    const mosquitto = await Mosquitto.start(MOSQUITTO)
    const { port } = mosquitto
    const proxies = await Promise.all([startCountingProxy(port), startCountingProxy(port)])
    const two = new TwoIntakes(layout, mosquitto, proxies, [await freePort(), await freePort()])
    for (const at of proxies.keys()) await two.start(at)
    if (layout.roles === 'apart') await two.#startApi()
    return two
  }

  /** Where queries go: every one of them has rows of its own. */
  get apis(): readonly Platform[] {
    return this.#api ? [this.#api] : this.intakes
  }

  async start(at: number): Promise<void> {
    const { roles, store } = this.#layout
    const { port = 0 } = this.proxies[at] ?? {}
    const address = {
      PADBORG_INGEST_PORT: String(this.#ports[at]),
      PADBORG_INGEST_SECRET: SECRET,
    }
    this.intakes[at] = await startPlatform({
      dataDir: this.#dirs[at]?.path ?? '',
      command: roles === 'together' ? ['main.ts'] : ['main.ts', 'ingest'],
      env: {
        ...store,
        ...(roles === 'together' ? {} : address),
        PADBORG_MQTT_URL: `mqtt://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`,
        PADBORG_MQTT_SHARE: 'intakes',
        PADBORG_REGISTRY: this.#registry,
        // So long that an acknowledgement before the commit would be lost with the process.
        PADBORG_JOURNAL_WINDOW_MS: '50',
      },
    })
  }

  async kill(at: number): Promise<void> {
    await this.intakes[at]?.kill()
  }

  async close(): Promise<void> {
    for (const platform of new Set([...this.apis, ...this.intakes])) await platform.kill()
    for (const proxy of this.proxies) await proxy.close()
    await this.mosquitto.remove()
    for (const dir of [...this.#dirs, this.#apiDir]) dir.remove()
  }

  get #registry(): string {
    return join(this.#apiDir.path, 'registry.db')
  }

  async #startApi(): Promise<void> {
    this.#api = await startPlatform({
      dataDir: this.#apiDir.path,
      command: ['main.ts', 'api'],
      env: {
        ...this.#layout.store,
        PADBORG_INGEST_URL: this.#ports.map((port) => `http://127.0.0.1:${port}`).join(','),
        PADBORG_INGEST_SECRET: SECRET,
        PADBORG_REGISTRY: this.#registry,
      },
    })
  }
}
