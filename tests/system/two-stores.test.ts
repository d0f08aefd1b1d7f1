import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ClockSample } from '#lib/telemetry/intake.ts'
import { DEVICES } from '../../seeds/devices.ts'
import { registerTestbed } from '../../seeds/register.ts'
import { createApi } from '../../simulators/run/api.ts'
import { fillIntake } from '../support/fill-intake.ts'
import { hasInfluxd, startInfluxd, type TestServer } from '../support/influxd.ts'
import { ADMIN_KEY, startPlatform, temporaryDir, type Platform } from '../support/platform.ts'
import { differences } from '../support/same-answers.ts'
import { arrivalsOf } from '../support/simulated-day.ts'
import { waitFor } from '../support/wait-for.ts'

/*
 * The same day of the testbed into the embedded store and into a real InfluxDB, through the real
 * intake and with the same receive times; then the same questions to both platforms: with all raw
 * readings there, after a restart, and when of the fleet only the figures per minute are left, and
 * then only those per hour.
 *   TWO_STORES=day SEED=7 npx vitest run --project system tests/system/two-stores.test.ts
 * gives the whole day and all 35 days of heat.
 */
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const WHOLE = process.env['TWO_STORES'] === 'day'
const SEED = Number(process.env['SEED'] ?? 20261125)
/** So long ago that a shorter retention takes the fleet's raw readings, and no figures. */
const END_MS = Math.floor(Date.now() / DAY_MS) * DAY_MS - 40 * DAY_MS + 12 * HOUR_MS
const FLEET_MS = WHOLE ? DAY_MS : HOUR_MS
const HEAT_MS = WHOLE ? 35 * DAY_MS : 3 * DAY_MS
/** Of the differences of one answer. */
const SHOWN = 5
const KEEP_MINUTES = { PADBORG_RETENTION_FLEET_DAYS: '30', PADBORG_INGEST_SNAPSHOT_MS: '300' }
const KEEP_HOURS = { ...KEEP_MINUTES, PADBORG_RETENTION_MINUTE_DAYS: '30' }

if (!hasInfluxd) process.stderr.write('two stores are skipped: influxd is not installed\n')

type Answers = ReadonlyMap<string, Answer>
type Both = Readonly<Record<Side['name'], Answers>>

interface Side {
  readonly name: 'duckdb' | 'influx'
  readonly dataDir: string
  readonly env: Readonly<Record<string, string>>
  platform: Platform | null
}

const ABOUT = `SEED=${SEED}, until ${new Date(END_MS).toISOString()}`
describe.skipIf(!hasInfluxd)(`the same day in both stores (${ABOUT})`, () => {
  const dir = temporaryDir('two-stores')
  let influx: TestServer
  let sides: readonly Side[] = []

  beforeAll(
    async () => {
      influx = await startInfluxd()
      const duckdbSide = { name: 'duckdb', env: {}, dataDir: join(dir.path, 'duckdb') } as const
      const influxSide = {
        name: 'influx',
        env: influxEnv(influx),
        dataDir: join(dir.path, 'influx'),
      } as const
      sides = [duckdbSide, influxSide].map((side) => ({ ...side, platform: null }))
      const arrivals = arrivalsOf({ seed: SEED, endMs: END_MS, fleetMs: FLEET_MS, heatMs: HEAT_MS })
      await registerBoth()
      const clocks = clocksBefore(arrivals[0]?.receivedAtMs ?? 0)
      for (const { dataDir, env } of sides) {
        await fillIntake({ dataDir, env, arrivals, clocks })
      }
      await startBoth()
    },
    WHOLE ? 900_000 : 120_000,
  )
  afterAll(async () => {
    for (const { platform } of sides) await platform?.kill()
    await influx?.stop()
    dir.remove()
  })

  it(
    'gives both the same readings and answers, also after a restart and without the raw readings',
    async () => {
      const before = await sameWithAllReadings()
      await sameAfterRestart(before)
      await sameOfMinutes(before)
      await sameOfHours(before)
    },
    WHOLE ? 900_000 : 240_000,
  )

  async function sameWithAllReadings(): Promise<Both> {
    const both = await askBoth([...READINGS, ...FIGURES, ...STATE])
    expectSame(both)
    for (const [path, answer] of both.duckdb) {
      expect(rowsOf(answer).length, `${path} has rows`).toBeGreaterThan(0)
    }
    expectEverySort(both.duckdb)
    return both
  }

  async function sameAfterRestart(before: Both): Promise<void> {
    await restartBoth({})
    const both = await askBoth([...READINGS, ...FIGURES, ...STATE])
    for (const { name } of sides) {
      for (const [path, answer] of both[name]) {
        expect(answer, `${name} ${path}`).toEqual(before[name].get(path))
      }
    }
  }

  async function sameOfMinutes(before: Both): Promise<void> {
    await restartBoth(KEEP_MINUTES)
    await waitForBoth('the raw readings of the fleet to be dropped', async ({ platform }) => {
      const { data } = await askAll(platform, `/readings?kind=truck&${FLEET}`)
      return data.length === 0
    })
    const both = await askBoth(FIGURES)
    expectSame(both)
    expect(methodsOf(both.duckdb)).toEqual(['histogram'])
    expectUnchanged(both.duckdb, before.duckdb)
  }

  async function sameOfHours(before: Both): Promise<void> {
    await restartBoth(KEEP_HOURS)
    await waitForBoth('the figures per minute to be dropped', async ({ platform }) => {
      const { data } = await askAll(platform, `/kpi/throughput?every=1m&${FLEET}`)
      return data.length <= FLEET_MS / HOUR_MS + 2
    })
    const both = await askBoth(HOURLY)
    expectSame(both)
    expectUnchanged(both.duckdb, before.duckdb)
  }

  /** One registry for both: each has a copy. */
  async function registerBoth(): Promise<void> {
    const [first, second] = sides
    if (!first || !second) throw new Error('expected two platforms')
    const platform = await start(first)
    const url = `http://127.0.0.1:${platform.ready.http}`
    await registerTestbed(createApi({ url, key: ADMIN_KEY }), END_MS)
    await stop(first)
    mkdirSync(second.dataDir)
    cpSync(join(first.dataDir, 'registry.db'), join(second.dataDir, 'registry.db'))
  }

  async function startBoth(env: Readonly<Record<string, string>> = {}): Promise<void> {
    for (const side of sides) await start(side, env)
  }

  async function restartBoth(env: Readonly<Record<string, string>>): Promise<void> {
    await Promise.all(sides.map(stop))
    await startBoth(env)
  }

  async function waitForBoth(what: string, isTrue: (side: Side) => Promise<boolean>) {
    await waitFor(async () => (await Promise.all(sides.map(isTrue))).every(Boolean), {
      timeoutMs: 60_000,
      everyMs: 200,
      what,
    })
  }

  /** One question after the other to each. */
  async function askBoth(paths: readonly string[]): Promise<Both> {
    const answers = { duckdb: new Map<string, Answer>(), influx: new Map<string, Answer>() }
    for (const path of paths) {
      for (const { name, platform } of sides) answers[name].set(path, await askAll(platform, path))
    }
    return answers
  }
})

function expectSame({ duckdb, influx }: Both): void {
  for (const [path, answer] of duckdb) {
    expect(differences(answer, influx.get(path)).slice(0, SHOWN), path).toEqual([])
  }
}

/** The network's figures are what they were of raw readings; percentiles within their error. */
function expectUnchanged(answers: Answers, before: Answers): void {
  for (const [path, { data }] of answers) {
    if (!path.startsWith('/kpi/')) continue
    expect(differences(data, before.get(path)?.data).slice(0, SHOWN), path).toEqual([])
  }
}

const iso = (ms: number) => new Date(ms).toISOString()
const FLEET = `from=${iso(END_MS - FLEET_MS - HOUR_MS)}&to=${iso(END_MS + HOUR_MS)}&limit=10000`
const HEAT = `from=${iso(END_MS - HEAT_MS - HOUR_MS)}&to=${iso(END_MS + HOUR_MS)}&limit=10000`
const STAGES = 'stage=age,uplink,rtt'

const READINGS = [
  ...['truck', 'robot', 'radio', 'probe'].flatMap((kind) => [
    `/readings?kind=${kind}&${FLEET.replace('limit=10000', 'limit=1000')}`,
    `/readings?kind=${kind}&every=5m&${FLEET}`,
  ]),
  ...['heat_meter', 'energy_meter'].flatMap((kind) => [
    `/readings?kind=${kind}&${HEAT}`,
    `/readings?kind=${kind}&every=6h&${HEAT}`,
  ]),
  `/kpi/availability?${FLEET}`,
  `/kpi/availability?maxLatencyMs=20&survivalMs=500&${FLEET}`,
  `/kpi/jitter?${FLEET}`,
]

/** What the figures per minute answer as well. */
const FIGURES = [
  `/kpi/latency?${STAGES}&by=kind&${FLEET}`,
  `/kpi/latency?${STAGES}&by=device&${FLEET}`,
  `/kpi/latency?${STAGES}&by=kind,rat&every=10m&${FLEET}`,
  `/kpi/latency?${STAGES}&by=cell,operator,band&${FLEET}`,
  `/kpi/throughput?by=device&${FLEET}`,
  `/kpi/throughput?by=tenant,kind&every=1m&${FLEET}`,
  `/kpi/loss?by=device&${FLEET}`,
  `/kpi/loss?by=kind&every=15m&${FLEET}`,
  `/heat/recovered?by=town&every=1h&${HEAT}`,
  `/heat/recovered?boundary=handoff,delivered&by=data_centre,heat_network,municipality&${HEAT}`,
  `/heat/recovered?by=town&every=P1D&${HEAT}`,
]

/** What the figures per hour answer. */
const HOURLY = FIGURES.filter((path) => !/every=\d+m/.test(path) && path.startsWith('/kpi/'))

/** What the intake knows; it is no matter of the store, and yet of the question. */
const STATE = ['/delivery?limit=10000', '/last-values?limit=10000', `/rejections?${FLEET}`] as const

function influxEnv({ url, username, password }: TestServer): Readonly<Record<string, string>> {
  return {
    PADBORG_STORE: 'influx:',
    INFLUX_URL: url,
    INFLUX_DATABASE: 'two_stores',
    INFLUX_USERNAME: username,
    INFLUX_PASSWORD: password,
  }
}

async function start(side: Side, env: Readonly<Record<string, string>> = {}): Promise<Platform> {
  side.platform = await startPlatform({
    dataDir: side.dataDir,
    // What is compared is the answer, on a machine that may be busy.
    env: { PADBORG_QUERY_TIMEOUT_MS: '60000', ...side.env, ...env },
  })
  return side.platform
}

async function stop(side: Side): Promise<void> {
  const code = await side.platform?.stop()
  side.platform = null
  if (code) throw new Error(`${side.name} ended with ${code}`)
}

/** Every second device has measured its clock, 20 ms ahead of ours, before it sends. */
function clocksBefore(firstMs: number): ReadonlyMap<string, ClockSample> {
  const t2 = BigInt(Math.floor(firstMs)) * 1_000_000n
  const exchange = { t1: t2 + 18_000_000n, t2, t3: t2 + 100_000n, t4: t2 + 22_100_000n }
  const some = DEVICES.filter((_, at) => at % 2 === 0)
  return new Map(some.map(({ tenant, id }) => [`${tenant}.${id}`, exchange]))
}

interface Answer {
  readonly meta: unknown
  readonly data: readonly unknown[]
}

/** All pages of an answer; what is made at random for each platform is left out. */
async function askAll(platform: Platform | null, path: string): Promise<Answer> {
  if (!platform) throw new Error('the platform does not run')
  const data: unknown[] = []
  let meta: unknown = null
  let cursor: string | null = ''
  while (cursor !== null) {
    const page: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const { status, body } = await platform.api(`${path}${page}`)
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`)
    data.push(...body.data.map(({ id: _id, ...row }: { id?: string }) => row))
    meta ??= body.meta ?? null
    cursor = body.next
  }
  return { meta, data }
}

function rowsOf(answer: Answer | undefined): readonly unknown[] {
  return answer?.data ?? []
}

/** The day holds what it is meant to hold: else equal answers would mean less. */
function expectEverySort(answers: Answers): void {
  const latency = rowsOf(answers.get(FIGURES[1] ?? '')) as readonly Record<string, unknown>[]
  for (const stage of ['age', 'uplink', 'rtt']) {
    const known = latency.filter((row) => row['stage'] === stage && Number(row['n']) > 0)
    expect(known.length, stage).toBeGreaterThan(1)
  }
  expect(latency.some(({ negative }) => Number(negative) > 0)).toBe(true)
  expect(methodsOf(answers)).toEqual(['exact'])
  const trucks = rowsOf(answers.get(READINGS[0] ?? '')) as readonly { flags: string[] }[]
  expect(new Set(trucks.flatMap(({ flags }) => flags))).toContain('late')
  const delivery = rowsOf(answers.get(STATE[0])) as readonly Record<string, number>[]
  for (const name of ['rejected', 'duplicate', 'late', 'partial', 'lost']) {
    const sum = delivery.reduce((before, row) => before + (row[name] ?? 0), 0)
    expect(sum, name).toBeGreaterThan(0)
  }
}

function methodsOf(answers: Answers): unknown[] {
  const latency = FIGURES.filter((path) => path.startsWith('/kpi/latency'))
  const rows = latency.flatMap((path) => rowsOf(answers.get(path))) as readonly { method: string }[]
  return [...new Set(rows.map(({ method }) => method))]
}
