import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ADMIN_KEY, startPlatform } from '../tests/support/platform.ts'
import { fillProduct } from './fill-product.ts'
import { DAY_MS, FLEET_DEVICES, type History } from './history.ts'
import { fillInflux, startInflux, type InfluxRows } from './influx-rows.ts'
import { median, rssMib } from './machine.ts'

export interface QuestionsOptions {
  readonly dir: string
  readonly rows: number
  readonly besideInflux: boolean
  readonly say: (text: string) => void
}

/** The same question to both: an address of the API, and InfluxQL. */
interface Question {
  readonly name: string
  readonly address: (history: History) => string
  readonly influxql: (history: History) => string
}

const iso = (ms: number) => new Date(ms).toISOString()
const ago = (from: number, to: number) => `from=${iso(from)}&to=${iso(to)}`
const within = (from: number, to: number) => `time >= ${from}ms AND time < ${to}ms`

const QUESTIONS: readonly Question[] = [
  {
    name: 'p50, p95, p99 per kind and minute over 24 h',
    address: ({ endMs }) =>
      `/kpi/latency?stage=age&by=kind&every=1m&limit=10000&${ago(endMs - DAY_MS, endMs)}`,
    influxql: ({ endMs }) =>
      `SELECT percentile(ageMs,50), percentile(ageMs,95), percentile(ageMs,99) FROM telemetry ` +
      `WHERE ${within(endMs - DAY_MS, endMs)} GROUP BY time(1m), kind`,
  },
  {
    name: 'hourly heat by town over 30 days',
    address: ({ endMs }) =>
      `/heat/recovered?boundary=delivered&by=town&every=1h&limit=10000&${ago(endMs - 30 * DAY_MS, endMs)}`,
    influxql: ({ endMs }) =>
      `SELECT sum(d) FROM (SELECT last(energyKwh) - first(energyKwh) AS d FROM heat_meter ` +
      `WHERE ${within(endMs - 30 * DAY_MS, endMs)} GROUP BY time(1h), device, town) ` +
      `WHERE ${within(endMs - 30 * DAY_MS, endMs)} GROUP BY time(1h), town`,
  },
  {
    name: `last values of ${FLEET_DEVICES.length} devices`,
    address: () => '/last-values?limit=10000',
    influxql: () => 'SELECT last(lat), lon, ageMs, seq FROM telemetry GROUP BY device',
  },
]

const WARM_UP = 2
const RUNS = 7

/**
 * Times of three questions through the HTTP API on a day of fleet rows and a month of meters, beside
 * InfluxDB with the same rows. Whole answers with their JSON; warm; nothing else goes on.
 */
export async function questions(options: QuestionsOptions): Promise<Record<string, unknown>> {
  const { dir, rows, besideInflux, say } = options
  const history = historyIn(dir, rows)
  const dataDir = join(dir, 'data')
  const filled: Record<string, number> = {}
  if (!existsSync(join(dir, 'product-is-filled'))) {
    say(`fills the product with ${rows} rows`)
    filled['productS'] = await seconds(() => fillProduct(dataDir, history))
    writeFileSync(join(dir, 'product-is-filled'), '')
  }
  const product = await askProduct(dataDir, history)
  say(JSON.stringify(product))
  if (!besideInflux) return { rows, filled, product }
  const influx = await startInflux(join(dir, 'influx'))
  try {
    if (!existsSync(join(dir, 'influx-is-filled'))) {
      say('fills InfluxDB with the same rows')
      filled['influxS'] = await seconds(() => fillInflux(influx, history))
      writeFileSync(join(dir, 'influx-is-filled'), '')
    }
    const peer = await askInflux(influx, history)
    say(JSON.stringify(peer))
    const ratios = Object.fromEntries(
      QUESTIONS.map(({ name }) => [name, round(msOf(peer, name) / msOf(product, name))]),
    )
    return { rows, filled, product, influx: peer, influxOverProduct: ratios }
  } finally {
    await influx.stop()
  }
}

/** A filled folder is used again: the history ends where it did. */
function historyIn(dir: string, rows: number): History {
  mkdirSync(dir, { recursive: true })
  const endMs = Math.floor(Date.now() / DAY_MS) * DAY_MS
  return { rows, endMs, seed: 20261125 }
}

interface Asked {
  readonly rssMib: number
  readonly times: Readonly<Record<string, Readonly<Record<'minMs' | 'medianMs' | 'maxMs', number>>>>
  readonly bytes: Readonly<Record<string, number>>
}

async function askProduct(dataDir: string, history: History): Promise<Asked> {
  const platform = await startPlatform({ dataDir })
  try {
    return await askAll(platform.ready.pid, async ({ address }) => {
      const url = `http://127.0.0.1:${platform.ready.http}/api/v1${address(history)}`
      const answer = await fetch(url, { headers: { authorization: `Bearer ${ADMIN_KEY}` } })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`${url}: ${text.slice(0, 400)}`)
      return text
    })
  } finally {
    await platform.stop()
  }
}

function askInflux(influx: InfluxRows, history: History): Promise<Asked> {
  return askAll(influx.pid, ({ influxql }) => influx.query(influxql(history)))
}

async function askAll(pid: number, ask: (question: Question) => Promise<string>): Promise<Asked> {
  const times: Record<string, Record<'minMs' | 'medianMs' | 'maxMs', number>> = {}
  const bytes: Record<string, number> = {}
  for (const question of QUESTIONS) {
    const taken: number[] = []
    for (let run = 0; run < WARM_UP + RUNS; run += 1) {
      const begun = performance.now()
      const text = await ask(question)
      if (run >= WARM_UP) taken.push(performance.now() - begun)
      bytes[question.name] = text.length
    }
    times[question.name] = {
      minMs: round(Math.min(...taken)),
      medianMs: round(median(taken)),
      maxMs: round(Math.max(...taken)),
    }
  }
  return { rssMib: rssMib(pid), times, bytes }
}

function msOf({ times }: Asked, name: string): number {
  return times[name]?.medianMs ?? Number.NaN
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  await work()
  return Math.round((performance.now() - begun) / 1000)
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
