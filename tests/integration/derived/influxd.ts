import { hasProgram, startInfluxd, type TestServer } from '../../support/influxd.ts'

export const HAS_INFLUXD = hasProgram('influxd')

/** An InfluxDB that can be killed and come back with its data, at the same address. */
export interface Influxd {
  readonly url: string
  readonly username: string
  readonly password: string
  kill(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

export async function startRestartableInfluxd(): Promise<Influxd> {
  let server: TestServer = await startInfluxd()
  const { url, username, password, dir } = server
  return {
    url,
    username,
    password,
    kill: () => server.kill('SIGKILL'),
    async start() {
      server = await startInfluxd({ dir, port: Number(new URL(url).port) })
    },
    stop: () => server.stop(),
  }
}
