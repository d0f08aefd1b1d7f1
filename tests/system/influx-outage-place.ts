import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { settledDelivery, compareWithStore } from '../support/fleet.ts'
import { startFaultProxy, type FaultProxy } from '../support/http-fault.ts'
import { freePort, startInfluxd, type TestServer } from '../support/influxd.ts'
import { startPlatform, temporaryDir, type Platform } from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'
import { createSteadyFleet, type SteadyFleet } from './influx-outage-load.ts'
import { startSlowWay, type SlowWay } from './influx-outage-slow.ts'

export const DATABASE = 'testbed'
/** A field of trucks that the load leaves alone: InfluxDB is made to want a text there. */
export const BAD_FIELD = 'fuelPct'

export interface OutageOptions {
  readonly perSecond: number
  readonly env?: Readonly<Record<string, string>>
  /** The data of influxd on a file system of their own, of this size. */
  readonly tmpfsBytes?: number
}

/** influxd with authorization, a proxy before it, the platform on it, and trucks that publish. */
export interface Outage {
  readonly fleet: SteadyFleet
  readonly proxy: FaultProxy
  readonly slow: SlowWay
  /** Folder of influxd's data. */
  readonly influxDir: string
  startLoad(): Promise<void>
  stopLoad(): Promise<void>
  platform(): Platform
  influx(): TestServer
  killInflux(): Promise<void>
  restartInflux(): Promise<void>
  killPlatform(): Promise<void>
  restartPlatform(): Promise<void>
  /** Rows of trucks in InfluxDB itself, per device; not through the proxy. */
  rows(): Promise<Map<string, number>>
  rowCount(): Promise<number>
  writeLine(line: string): Promise<void>
  lagMessages(): Promise<number>
  /** Ends whatever a test that broke off has left behind. */
  mend(): Promise<void>
  /** What is wrong after everything was settled, by the API and by InfluxDB; empty when nothing is. */
  faults(): Promise<string[]>
  close(): Promise<void>
}

export async function openOutage(options: OutageOptions): Promise<Outage> {
  const dir = temporaryDir('influx-outage')
  const influxDir = join(dir.path, 'influx')
  mkdirSync(influxDir)
  if (options.tmpfsBytes) mountTmpfs(influxDir, options.tmpfsBytes)
  const port = await freePort()
  let influx = await startInfluxd({ dir: influxDir, port })
  const proxy = await startFaultProxy(influx.url)
  const slow = await startSlowWay(proxy.url)
  let load: { stop(): Promise<void> } | null = null
  const { username, password, url } = influx
  const start = () =>
    startPlatform({
      dataDir: join(dir.path, 'platform'),
      env: {
        PADBORG_STORE: 'influx:',
        INFLUX_URL: slow.url,
        INFLUX_DATABASE: DATABASE,
        INFLUX_USERNAME: username,
        INFLUX_PASSWORD: password,
        PADBORG_READY_LAG_SECONDS: '1',
        PADBORG_INGEST_SNAPSHOT_MS: '1000',
        ...options.env,
      },
    })
  let platform = await start()
  const fleet = await createSteadyFleet(platform, {
    tenant: 'acme',
    size: 4,
    perSecond: options.perSecond,
    badField: BAD_FIELD,
  })
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

  const outage: Outage = {
    fleet,
    proxy,
    slow,
    influxDir,
    async startLoad() {
      load = await fleet.run(platform)
    },
    async stopLoad() {
      await load?.stop()
      load = null
    },
    platform: () => platform,
    influx: () => influx,
    killInflux: () => influx.kill('SIGKILL'),
    async restartInflux() {
      influx = await startInfluxd({ dir: influxDir, port })
    },
    killPlatform: () => platform.kill(),
    async restartPlatform() {
      platform = await start()
    },
    async rows() {
      const q = `SELECT count("position") FROM "truck" GROUP BY "device"`
      const response = await fetch(`${url}/query?db=${DATABASE}&q=${encodeURIComponent(q)}`, {
        headers: { authorization },
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`influxd: ${response.status} ${text}`)
      const series = JSON.parse(text).results[0].series ?? []
      return new Map(
        series.map((one: { tags: { device: string }; values: [[number, number]] }) => [
          one.tags.device,
          one.values[0][1],
        ]),
      )
    },
    rowCount: async () => [...(await outage.rows()).values()].reduce((sum, n) => sum + n, 0),
    async writeLine(body) {
      const response = await fetch(`${url}/write?db=${DATABASE}&precision=ns`, {
        method: 'POST',
        headers: { authorization },
        body,
      })
      if (!response.ok) throw new Error(`influxd: ${response.status} ${await response.text()}`)
    },
    lagMessages: () => metricOf(platform, 'padborg_writer_lag_messages'),
    faults: () => faultsOf(outage),
    async mend() {
      slow.delayAnswers(0)
      proxy.inject(null)
      await influx.kill('SIGCONT')
      const filler = join(influxDir, 'filler')
      if (existsSync(filler)) {
        rmSync(filler)
        await outage.killInflux()
      }
      const isUp = await fetch(`${url}/ping`).then(
        () => true,
        () => false,
      )
      if (!isUp) await outage.restartInflux()
      if (platform.process.exitCode !== null) await outage.restartPlatform()
    },
    async close() {
      await platform.kill()
      await load?.stop()
      await slow.close()
      await proxy.close()
      await influx.kill('SIGKILL')
      if (options.tmpfsBytes) execFileSync('umount', ['-l', influxDir])
      dir.remove()
    },
  }
  return outage
}

export async function metricOf(platform: Platform, name: string): Promise<number> {
  const { body } = await platform.api('/metrics')
  const found = new RegExp(`^${name} ([0-9.e+-]+)$`, 'm').exec(String(body))
  if (!found) throw new Error(`/metrics has no ${name}`)
  return Number(found[1])
}

/** The most memory that a process ever had in use, by Linux. */
export function peakMemoryBytes(platform: Platform): number {
  const status = readFileSync(`/proc/${platform.ready.pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
}

/** Acknowledged against /readings, /delivery, /kpi/throughput and InfluxDB's own count. */
async function faultsOf(outage: Outage): Promise<string[]> {
  const { fleet } = outage
  const platform = outage.platform()
  const faults: string[] = []
  const delivery = await settledDelivery(platform, 60_000)
  faults.push(...(await compareWithStore(platform, fleet.truth)))
  const rows = await outage.rows()
  const { body } = await platform.api(
    `/kpi/throughput?by=device&from=${new Date(Date.now() - 3_600_000).toISOString()}`,
  )
  for (const { id } of fleet.devices) {
    const good = fleet.truth.acked.get(id)?.size ?? 0
    const rejected = fleet.bad.get(id)?.size ?? 0
    const row = delivery.find(({ device }: { device: string }) => device === id)
    const messages = body.data.find(({ group }: { group: { device: string } }) => {
      return group.device === id
    })?.messages
    const found = { stored: row?.stored, rejected: row?.rejected, rows: rows.get(id), messages }
    const wanted = { stored: good, rejected, rows: good, messages: good }
    if (JSON.stringify(found) !== JSON.stringify(wanted)) {
      faults.push(`${id}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(found)}`)
    }
  }
  return faults
}

export function mountTmpfs(path: string, bytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs', path])
}

/** Whether file systems may be mounted here: as root on Linux. */
export function canMountTmpfs(): boolean {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return false
  const dir = temporaryDir('mount')
  try {
    mountTmpfs(dir.path, 1024 * 1024)
    execFileSync('umount', [dir.path])
    return true
  } catch {
    // A container without that right: the test says so and is skipped.
    return false
  } finally {
    dir.remove()
  }
}

/** Waits until the backlog is gone, under the same load: it drains faster than messages come. */
export async function backlogDrains(outage: Outage, timeoutMs: number): Promise<void> {
  await waitFor(async () => (await outage.lagMessages()) <= outage.fleet.perSecond / 2, {
    timeoutMs,
    what: 'the backlog is drained',
  })
}
