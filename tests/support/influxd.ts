import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitFor } from './wait-for.ts'

/** Whether a program is on the PATH. */
export function hasProgram(name: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' })
    return true
  } catch {
    // Not installed here: the tests that need it say so and are skipped.
    return false
  }
}

export const hasInfluxd = hasProgram('influxd')
export const hasVictoriaMetrics = hasProgram('victoria-metrics')

/** A real server for tests, with authorization on. */
export interface TestServer {
  readonly url: string
  readonly username: string
  readonly password: string
  readonly pid: number
  /** Where its data are. */
  readonly dir: string
  /** What the server has written to its log so far. */
  log(): string
  /** Ends the process; its data stay for `start` with the same folder and port. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Ends the process and removes the data. */
  stop(): Promise<void>
}

export interface ServerPlace {
  /** Folder of the data; one of its own without it. */
  readonly dir?: string
  readonly port?: number
  /** Further lines of the section `[data]` of influxd. */
  readonly data?: readonly string[]
  /** Further lines of the section `[http]` of influxd. */
  readonly http?: readonly string[]
}

const USERNAME = 'padborg'
const PASSWORD = "it's a \\ secret: ü"

/** Debian's influxd 1.6.7: authorization on, one administrator, everything in a folder of its own. */
export async function startInfluxd(place: ServerPlace = {}): Promise<TestServer> {
  const dir = place.dir ?? mkdtempSync(join(tmpdir(), 'padborg-influxd-'))
  const port = place.port ?? (await freePort())
  const config = join(dir, 'influxdb.conf')
  writeFileSync(
    config,
    `reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "${dir}/meta"
[data]
  dir = "${dir}/data"
  wal-dir = "${dir}/wal"
  query-log-enabled = false
  index-version = "inmem"
${(place.data ?? []).join('\n')}
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${port}"
  auth-enabled = true
  log-enabled = false
${(place.http ?? []).join('\n')}
`,
  )
  const server = await startServer(
    { command: 'influxd', args: ['-config', config], dir, url: `http://127.0.0.1:${port}` },
    (url) => fetch(`${url}/ping`).then(({ status }) => status === 204),
  )
  // Allowed once without a name, as long as there is no administrator.
  const statement = `CREATE USER ${USERNAME} WITH PASSWORD '${PASSWORD.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}' WITH ALL PRIVILEGES`
  await fetch(`${server.url}/query`, {
    method: 'POST',
    body: new URLSearchParams({ q: statement }),
  })
  return server
}

/** Debian's victoria-metrics: it takes the line protocol at `/api/v2/write`. */
export async function startVictoriaMetrics(place: ServerPlace = {}): Promise<TestServer> {
  const dir = place.dir ?? mkdtempSync(join(tmpdir(), 'padborg-vm-'))
  const port = place.port ?? (await freePort())
  const args = [
    `-storageDataPath=${dir}/data`,
    `-httpListenAddr=127.0.0.1:${port}`,
    `-httpAuth.username=${USERNAME}`,
    `-httpAuth.password=${PASSWORD}`,
    // The readings of tests are of a fixed day.
    '-retentionPeriod=100y',
    '-memory.allowedPercent=5',
  ]
  return startServer(
    { command: 'victoria-metrics', args, dir, url: `http://127.0.0.1:${port}` },
    (url) => fetch(`${url}/health`).then(({ status }) => status < 500),
  )
}

interface Start {
  readonly command: string
  readonly args: readonly string[]
  readonly dir: string
  readonly url: string
}

async function startServer(
  { command, args, dir, url }: Start,
  isUp: (url: string) => Promise<boolean>,
): Promise<TestServer> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const said: string[] = []
  const hear = (chunk: Buffer) => said.push(chunk.toString())
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  const ended = endOf(child)
  // Also where a test breaks off.
  process.once('exit', () => child.kill('SIGKILL'))
  try {
    await waitFor(
      () => {
        if (child.exitCode !== null) throw new Error(`${command} ended: ${said.join('')}`)
        return isUp(url).catch(() => false)
      },
      { timeoutMs: 30_000, what: `${command} to answer` },
    )
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  const kill = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    // A stopped process does not hear anything else.
    if (signal === 'SIGTERM' || signal === 'SIGKILL') await ended
  }
  return {
    url,
    username: USERNAME,
    password: PASSWORD,
    pid: child.pid ?? 0,
    dir,
    log: () => said.join(''),
    kill,
    async stop() {
      await kill('SIGKILL')
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
  })
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => {
    server.close(resolve)
  })
  return port
}
