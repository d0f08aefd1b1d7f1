import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { temporaryDir } from '../../../support/platform.ts'
import { waitFor } from '../../../support/wait-for.ts'

const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`
const ENV = { ...process.env, PATH }

export const HAS_MOSQUITTO = ['mosquitto', 'mosquitto_passwd'].every(
  (name) => spawnSync(name, ['-h'], { env: ENV }).error === undefined,
)
if (!HAS_MOSQUITTO) {
  process.stderr.write(
    'the source of a foreign broker is skipped: expected mosquitto and mosquitto_passwd on the ' +
      'PATH (Debian: apt-get install mosquitto), found none.\n',
  )
}

export const USER = 'intake'
export const PASSWORD = 'p@ss word/0'

/** A Mosquitto of the test's own, with authentication on. */
export class Mosquitto {
  readonly port: number
  readonly #dir = temporaryDir('mosquitto')
  readonly #clients: MqttClient[] = []
  #child: ChildProcess | null = null
  #log = ''

  private constructor(port: number) {
    this.port = port
  }

  /** `lines` are added to its configuration. */
  static async start(lines: readonly string[] = []): Promise<Mosquitto> {
    const mosquitto = new Mosquitto(await freePort())
    mosquitto.#writeFiles(lines)
    await mosquitto.start()
    return mosquitto
  }

  /** With user and password, as PADBORG_MQTT_URL has it. */
  get url(): string {
    return `mqtt://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${this.port}`
  }

  log(): string {
    return this.#log
  }

  async client(options: IClientOptions = {}): Promise<MqttClient> {
    const client = await connectAsync(`mqtt://127.0.0.1:${this.port}`, {
      username: USER,
      password: PASSWORD,
      reconnectPeriod: 0,
      ...options,
    })
    client.on('error', () => client.end(true))
    this.#clients.push(client)
    return client
  }

  /** Starts again on the same port, with what it kept on disk. */
  async start(): Promise<void> {
    const child = spawn('mosquitto', ['-c', this.#path('mosquitto.conf')], {
      env: ENV,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text: Buffer) => {
        this.#log = (this.#log + text.toString()).slice(-MAX_LOG)
      })
    }
    await waitFor(() => isOpen(this.port), { what: `mosquitto on port ${this.port}: ${this.#log}` })
  }

  async stop(): Promise<void> {
    const child = this.#child
    this.#child = null
    if (!child || child.exitCode !== null) return
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await exited
  }

  async remove(): Promise<void> {
    for (const client of this.#clients) client.end(true)
    await this.stop()
    this.#dir.remove()
  }

  #writeFiles(lines: readonly string[]): void {
    const passwords = this.#path('passwords')
    writeFileSync(passwords, '')
    execFileSync('mosquitto_passwd', ['-b', passwords, USER, PASSWORD], { env: ENV })
    const all = [
      `listener ${this.port} 127.0.0.1`,
      'user root',
      'allow_anonymous false',
      `password_file ${passwords}`,
      'persistence true',
      `persistence_location ${this.#dir.path}/`,
      'log_type all',
      ...lines,
    ]
    writeFileSync(this.#path('mosquitto.conf'), all.map((line) => `${line}\n`).join(''))
  }

  #path(name: string): string {
    return join(this.#dir.path, name)
  }
}

/** Characters of its log that are kept. */
const MAX_LOG = 1_000_000

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
