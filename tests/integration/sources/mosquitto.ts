import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { temporaryDir } from '../../support/platform.ts'
import { waitFor } from '../../support/wait-for.ts'

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
export interface Mosquitto {
  readonly port: number
  /** With user and password, as PADBORG_MQTT_URL has it. */
  readonly url: string
  log(): string
  client(options?: IClientOptions): Promise<MqttClient>
  stop(): Promise<void>
  /** Starts again on the same port, with what it kept on disk. */
  start(): Promise<void>
  remove(): Promise<void>
}

export async function startMosquitto(lines: readonly string[] = []): Promise<Mosquitto> {
  const dir = temporaryDir('mosquitto')
  const port = await freePort()
  const passwords = join(dir.path, 'passwords')
  writeFileSync(passwords, '')
  execFileSync('mosquitto_passwd', ['-b', passwords, USER, PASSWORD], { env: ENV })
  const config = join(dir.path, 'mosquitto.conf')
  const all = [
    `listener ${port} 127.0.0.1`,
    'user root',
    'allow_anonymous false',
    `password_file ${passwords}`,
    'persistence true',
    `persistence_location ${dir.path}/`,
    'log_type all',
    ...lines,
  ]
  writeFileSync(config, all.map((line) => `${line}\n`).join(''))
  const clients: MqttClient[] = []
  let child: ChildProcess | null = null
  let log = ''
  await start()

  return {
    port,
    url: `mqtt://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`,
    log: () => log,
    async client(options = {}) {
      const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {
        username: USER,
        password: PASSWORD,
        reconnectPeriod: 0,
        ...options,
      })
      client.on('error', () => client.end(true))
      clients.push(client)
      return client
    },
    start,
    stop,
    async remove() {
      for (const client of clients) client.end(true)
      await stop()
      dir.remove()
    },
  }

  async function start(): Promise<void> {
    child = spawn('mosquitto', ['-c', config], { env: ENV, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text: Buffer) => (log = (log + text.toString()).slice(-1_000_000)))
    }
    await waitFor(() => isOpen(port), { what: `mosquitto on port ${port}: ${log}` })
  }

  async function stop(): Promise<void> {
    const running = child
    child = null
    if (!running || running.exitCode !== null) return
    const exited = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGTERM')
    await exited
  }
}

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
