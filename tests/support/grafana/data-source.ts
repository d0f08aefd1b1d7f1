import { pointLine, type Point } from '#lib/store/influx/write/line.ts'
import { startInfluxd } from '../influxd.ts'

/** An InfluxDB, queried as Grafana's InfluxQL data source does. */
export interface DataSource {
  query(influxql: string): Promise<readonly Row[]>
  write(points: readonly Point[]): Promise<void>
}

export interface Database extends DataSource {
  stop(): Promise<void>
}

/** One row of a result: measurement and tags of its series, its time and its columns. */
export interface Row {
  readonly measurement: string
  readonly tags: Readonly<Record<string, string>>
  readonly timeMs: number | null
  readonly values: Readonly<Record<string, unknown>>
}

interface Result {
  readonly results?: readonly {
    readonly error?: string
    readonly series?: readonly {
      readonly name: string
      readonly tags?: Readonly<Record<string, string>>
      readonly columns: readonly string[]
      readonly values: readonly (readonly unknown[])[]
    }[]
  }[]
  readonly error?: string
}

const DATABASE = 'padborg'

/** An influxd of its own with points in it. */
export async function startDatabase(points: readonly Point[]): Promise<Database> {
  const server = await startInfluxd()
  const source = connectDataSource({ ...server, database: DATABASE })
  await source.query(`CREATE DATABASE ${DATABASE}`)
  await source.write(points)
  return { ...source, stop: () => server.stop() }
}

interface Address {
  readonly url: string
  readonly username: string
  readonly password: string
  readonly database: string
}

export function connectDataSource({ url, username, password, database }: Address): DataSource {
  const basic = Buffer.from(`${username}:${password}`).toString('base64')
  const headers = { authorization: `Basic ${basic}` }
  const post = (path: string, body: string | URLSearchParams) =>
    fetch(`${url}${path}`, { method: 'POST', headers, body })
  return {
    async write(points) {
      for (let at = 0; at < points.length; at += BATCH) {
        const lines = points.slice(at, at + BATCH).map(pointLine)
        const response = await post(`/write?db=${database}`, lines.join('\n'))
        if (!response.ok) throw new Error(`write: ${response.status} ${await response.text()}`)
      }
    },
    async query(influxql) {
      const body = new URLSearchParams({ q: influxql })
      const response = await post(`/query?db=${database}&epoch=ms`, body)
      return rowsOf(JSON.parse(await response.text()), influxql)
    },
  }
}

const BATCH = 5000

function rowsOf(result: Result, influxql: string): Row[] {
  const error = result.error ?? result.results?.find((one) => one.error)?.error
  if (error !== undefined) throw new Error(`${error}: ${influxql}`)
  return (result.results ?? []).flatMap(({ series = [] }) =>
    series.flatMap(({ name, tags = {}, columns, values }) =>
      values.map((row) => {
        const { time = null, ...rest } = Object.fromEntries(
          columns.map((column, at) => [column, row[at]]),
        )
        return {
          measurement: name,
          tags,
          timeMs: typeof time === 'number' ? time : null,
          values: rest,
        }
      }),
    ),
  )
}
