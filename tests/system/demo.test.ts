import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readRunFile } from '#lib/runtime/data-dir.ts'
import { KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import { METERS } from '../../seeds/testbed/heat.ts'
import { startPlatform, temporaryDir, type Platform } from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

const ROOT = new URL('../..', import.meta.url).pathname

interface Value {
  readonly device: string
  readonly kind: string
  readonly time: string
  readonly fields: Readonly<Record<string, unknown>>
}

describe('npm run demo', () => {
  const dir = temporaryDir('demo')
  // Nobody names a directory: the demo has one of its own, below the current one.
  const dataDir = join(dir.path, 'data-demo')
  let demo: ReturnType<typeof start> | null = null

  afterEach(() => {
    demo?.child.kill('SIGKILL')
    demo = null
  })

  it('is ready within 60 s, shuts down cleanly, and continues with its data after a restart', async () => {
    await firstLife()
    await secondLife()
    dir.remove()
  }, 300_000)

  async function firstLife(): Promise<void> {
    demo = start()
    const { child, output, ready, exited } = demo
    await waitFor(() => ready() !== null, { timeoutMs: 60_000, what: 'demo' })
    expect(ready()).toMatchObject({ ready: true, http: readRunFile(dataDir)?.addresses['http'] })
    expect(output()).toContain('The testbed is running')
    const api = apiOf(dataDir)
    const seen = new Map(KIND_NAMES.map((kind) => [kind, new Set<string>()]))
    await waitFor(
      async () => {
        const values: Value[] = (await api('/last-values?limit=1000')).data
        for (const { kind, device, time, fields } of values) {
          if (isFirstOf(values, kind, device)) {
            seen.get(kind as 'truck')?.add(JSON.stringify([time, fields]))
          }
        }
        // The first value and two changes.
        return [...seen.values()].every(({ size }) => size >= 3)
      },
      { timeoutMs: 60_000, everyMs: 500, what: 'two changes of each kind' },
    )
    const delivery = (await api('/delivery?limit=1000')).data
    for (const { accepted, stored, rejected, duplicate, pending } of delivery) {
      expect(accepted).toBe(stored + rejected + duplicate + pending)
    }
    await waitFor(
      async () => {
        const { data } = await api('/delivery?limit=1000')
        const of = (id: string) => data.find(({ device }: Value) => device === id)
        return of('hedetrans.truck-02').rejected > 0 && of('koelexpres.truck-04').duplicate > 0
      },
      { timeoutMs: 60_000, what: 'the faults' },
    )
    await expectHistory(api)
    const heat = (await api('/heat/recovered?by=town')).data
    expect(heat).toHaveLength(8)
    for (const { group, energyKwh } of heat) expect(energyKwh, group.town).toBeGreaterThan(0)
    expect(existsSync(join(dir.path, 'data'))).toBe(false)
    const pids = childrenOf(child)
    expect(pids).toHaveLength(2)
    child.kill('SIGTERM')
    expect(await exited).toBe(0)
    await waitFor(() => pids.every(isGone))
  }

  async function secondLife(): Promise<void> {
    demo = start()
    const { child, output } = demo
    await waitFor(() => output().includes('The testbed is running'), {
      timeoutMs: 60_000,
      what: 'demo',
    })
    const api = apiOf(dataDir)
    const from = new Date(Date.now() - 3_600_000).toISOString()
    for (const { id, resetBeforeEndMs } of METERS) {
      if (resetBeforeEndMs !== null) continue
      const kind = id.startsWith('power') ? 'energy_meter' : 'heat_meter'
      const { data } = await api(
        `/readings?kind=${kind}&device=varme.${id}&from=${from}&limit=1000`,
      )
      const registers = data.map(({ fields }: Value) => Number(fields['energyKwh']))
      expect(registers).toEqual(registers.toSorted((a: number, b: number) => a - b))
    }
    const { data: rows } = await api('/delivery?limit=1000')
    const native = rows.find(({ device }: Value) => device === 'varme.heat-flensburg')
    expect(native.lost).toBe(0)
    expect(readFileSync(join(dataDir, 'demo.log'), 'utf8')).toContain('Sent 0 messages')
    const pids = childrenOf(child)
    expect(pids).toHaveLength(2)
    child.kill('SIGKILL')
    await waitFor(() => pids.every(isGone), { timeoutMs: 25_000 })
  }

  function start() {
    const child = spawn(process.execPath, [join(ROOT, 'demo.ts')], {
      cwd: dir.path,
      env: {
        PATH: process.env['PATH'],
        PADBORG_MQTT_PORT: '0',
        PADBORG_MQTT_WS_PORT: '0',
        PADBORG_HTTP_PORT: '0',
        PADBORG_LOG_LEVEL: 'warn',
        PADBORG_JOURNAL_FREE_BYTES: '0',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let text = ''
    let line = ''
    child.stdout.on('data', (chunk: Buffer) => (line += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
    const ready = () => (line.includes('\n') ? (JSON.parse(line) as Record<string, unknown>) : null)
    return { child, exited, ready, output: () => text }
  }
})

describe('npm run seed', () => {
  const dir = temporaryDir('seed')
  let platform: Platform

  beforeAll(async () => {
    platform = await startPlatform({ dataDir: dir.path })
  })
  afterAll(async () => {
    await platform.stop()
    dir.remove()
  })

  it('adds nothing a second time, and the same bytes sent again are duplicates', async () => {
    expect(await seed()).toBe(0)
    const first = await sums()
    expect(first.stored).toBeGreaterThan(20_000)
    expect(first).toEqual({ ...first, accepted: first.stored, duplicate: 0, rejected: 0 })
    expect(await seed()).toBe(0)
    expect(await sums()).toEqual(first)
    expect(await seed('--again')).toBe(0)
    const again = { accepted: 2 * first.stored, duplicate: first.stored }
    expect(await sums()).toEqual({ ...first, ...again })
    // The accounts that wrote the history are gone.
    const { body } = await platform.api('/keys')
    expect(body.data.filter(({ role }: { role: string }) => role === 'application')).toEqual([])
  }, 240_000)

  function seed(...args: string[]): Promise<number | null> {
    const child = spawn(process.execPath, ['seeds/main.ts', '--data-dir', dir.path, ...args], {
      cwd: ROOT,
      stdio: 'ignore',
    })
    return new Promise((resolve) => child.once('exit', resolve))
  }

  async function sums() {
    const { body } = await platform.api('/delivery?limit=1000')
    const sum = (name: string) =>
      body.data.reduce((total: number, row: Record<string, number>) => total + (row[name] ?? 0), 0)
    const [accepted, stored] = [sum('accepted'), sum('stored')]
    return { accepted, stored, rejected: sum('rejected'), duplicate: sum('duplicate') }
  }
})

/** A reading a day ago of each sort of device, heat of a month ago, and the reset. */
async function expectHistory(api: ReturnType<typeof apiOf>): Promise<void> {
  const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()
  const day = `from=${ago(23)}&to=${ago(22)}&limit=10`
  for (const kind of ['truck', 'robot', 'radio', 'probe', 'heat_meter']) {
    expect((await api(`/readings?kind=${kind}&${day}`)).data.length, kind).toBeGreaterThan(0)
  }
  const month = `from=${ago(34 * 24)}&to=${ago(34 * 24 - 2)}&limit=100`
  const { data } = await api(`/readings?kind=heat_meter&${month}`)
  expect(new Set(data.map(({ device }: Value) => device)).size).toBe(12)
  const reset = await api(`/readings?kind=heat_meter&device=varme.heat-tinglev&from=${ago(8)}`)
  const registers: number[] = reset.data.map(({ fields }: Value) => Number(fields['energyKwh']))
  expect(registers.filter((one, at) => at > 0 && one < (registers[at - 1] ?? 0))).toHaveLength(1)
}

function isFirstOf(values: readonly Value[], kind: string, device: string): boolean {
  // Probes of a truck come seldom; those of the test team every three seconds.
  const own = values.filter((value) => value.kind === kind)
  const preferred = own.find((value) => value.device.startsWith('netlab.probe')) ?? own[0]
  return preferred?.device === device
}

function apiOf(dataDir: string) {
  const run = readRunFile(dataDir)
  if (!run) throw new Error(`no platform runs on ${dataDir}`)
  return async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${run.addresses['http']}/api/v1${path}`, {
      headers: { authorization: `Bearer ${run.token}` },
    })
    if (response.status !== 200) throw new Error(`${path}: ${response.status}`)
    // Answers are looked at by the test, which says what it expects.
    // oxlint-disable-next-line typescript/no-explicit-any
    return (await response.json()) as any
  }
}

function childrenOf({ pid }: ChildProcess): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.trim().split(' ').map(Number)
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    // ESRCH: nobody has this number.
    return true
  }
}
