import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ADMIN_KEY, startPlatform } from '../../tests/support/platform.ts'
import { median, round, rssMib } from '../machine.ts'
import { fillProduct } from './fill-product.ts'
import { DAY_MS, FLEET_DEVICES, type History } from './history.ts'
import { fillInflux, startInflux } from './influx-rows.ts'

export interface QueryTimesOptions {
  readonly dir: string
  readonly rows: number
  readonly besideInflux: boolean
  readonly report: (line: unknown) => void
}

/** The same query for both: an address of the API, and InfluxQL. */
interface Query {
  readonly name: string
  readonly address: (history: History) => string
  readonly influxql: (history: History) => string
}

const iso = (ms: number) => new Date(ms).toISOString()
const span = (from: number, to: number) => `from=${iso(from)}&to=${iso(to)}`
const within = (from: number, to: number) => `time >= ${from}ms AND time < ${to}ms`

const QUERIES: readonly Query[] = [
  {
    name: 'p50, p95, p99 per kind and minute over 24 h',
    address: ({ endMs }) =>
      `/kpi/latency?stage=age&by=kind&every=1m&limit=10000&${span(endMs - DAY_MS, endMs)}`,
    influxql: ({ endMs }) =>
      `SELECT percentile(ageMs,50), percentile(ageMs,95), percentile(ageMs,99) FROM telemetry ` +
      `WHERE ${within(endMs - DAY_MS, endMs)} GROUP BY time(1m), kind`,
  },
  {
    name: 'hourly heat by town over 30 days',
    address: ({ endMs }) =>
      `/heat/recovered?boundary=delivered&by=town&every=1h&limit=10000&${span(endMs - 30 * DAY_MS, endMs)}`,
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
 * Times of three queries through the HTTP API on a day of fleet rows and a month of meters, beside
 * InfluxDB with the same rows. Whole results with their JSON; warm; nothing else runs.
 */
export async function queryTimes(options: QueryTimesOptions): Promise<Record<string, unknown>> {
  const { rows, besideInflux, report } = options
  const history = openHistory(options)
  const product = await productTimes(options, history)
  report(product)
  if (!besideInflux) return { rows, product }
  const influx = await influxTimes(options, history)
  report(influx)
  const influxOverProduct = Object.fromEntries(
    QUERIES.map(({ name }) => [name, round(medianMs(influx, name) / medianMs(product, name), 1)]),
  )
  return { rows, product, influx, influxOverProduct }
}

/** A filled folder is used again on the same day: the history ends where it did. */
function openHistory({ dir, rows }: QueryTimesOptions): History {
  mkdirSync(dir, { recursive: true })
  const endMs = Math.floor(Date.now() / DAY_MS) * DAY_MS
  return { rows, endMs, seed: 20261125 }
}

interface Times {
  /** Null where the folder was filled before. */
  readonly filledInS: number | null
  readonly rssMib: number
  readonly times: Readonly<Record<string, Readonly<Record<'minMs' | 'medianMs' | 'maxMs', number>>>>
  readonly bytes: Readonly<Record<string, number>>
}

async function productTimes({ dir, report }: QueryTimesOptions, history: History): Promise<Times> {
  const dataDir = join(dir, 'data')
  const filledInS = await fillOnce(join(dir, 'product-is-filled'), async () => {
    report(`Fills the product with ${history.rows} rows.`)
    await fillProduct(dataDir, history)
  })
  const platform = await startPlatform({ dataDir })
  try {
    const figures = await timeAll(platform.ready.pid, async ({ address }) => {
      const url = `http://127.0.0.1:${platform.ready.http}/api/v1${address(history)}`
      const response = await fetch(url, { headers: { authorization: `Bearer ${ADMIN_KEY}` } })
      const text = await response.text()
      if (!response.ok) throw new Error(`${url}: ${text.slice(0, 400)}`)
      return text
    })
    return { filledInS, ...figures }
  } finally {
    await platform.stop()
  }
}

async function influxTimes({ dir, report }: QueryTimesOptions, history: History): Promise<Times> {
  const influx = await startInflux(join(dir, 'influx'))
  try {
    const filledInS = await fillOnce(join(dir, 'influx-is-filled'), async () => {
      report('Fills InfluxDB with the same rows.')
      await fillInflux(influx, history)
    })
    const figures = await timeAll(influx.pid, ({ influxql }) => influx.query(influxql(history)))
    return { filledInS, ...figures }
  } finally {
    await influx.stop()
  }
}

/** Seconds it took; null where the mark shows that it was done before. */
async function fillOnce(mark: string, fill: () => Promise<void>): Promise<number | null> {
  if (existsSync(mark)) return null
  const begun = performance.now()
  await fill()
  writeFileSync(mark, '')
  return Math.round((performance.now() - begun) / 1000)
}

async function timeAll(
  pid: number,
  send: (query: Query) => Promise<string>,
): Promise<Omit<Times, 'filledInS'>> {
  const times: Record<string, Record<'minMs' | 'medianMs' | 'maxMs', number>> = {}
  const bytes: Record<string, number> = {}
  for (const query of QUERIES) {
    const runsMs: number[] = []
    for (let run = 0; run < WARM_UP + RUNS; run += 1) {
      const begun = performance.now()
      const text = await send(query)
      if (run >= WARM_UP) runsMs.push(performance.now() - begun)
      bytes[query.name] = text.length
    }
    times[query.name] = {
      minMs: round(Math.min(...runsMs), 1),
      medianMs: round(median(runsMs), 1),
      maxMs: round(Math.max(...runsMs), 1),
    }
  }
  return { rssMib: rssMib(pid), times, bytes }
}

function medianMs({ times }: Times, name: string): number {
  return times[name]?.medianMs ?? Number.NaN
}
