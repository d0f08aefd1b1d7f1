import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fleetRows, meterRows, type History } from './history.ts'
import { freePort, listening, stopped } from './processes.ts'

const LINES_PER_WRITE = 5000

/** Debian's InfluxDB 1.x, with the same rows. */
export interface InfluxRows {
  readonly pid: number
  query(influxql: string): Promise<string>
  /** Line protocol with times in ms. */
  write(lines: string): Promise<void>
  stop(): Promise<void>
}

export async function startInflux(dir: string): Promise<InfluxRows> {
  const port = await freePort()
  const rpc = await freePort()
  mkdirSync(dir, { recursive: true })
  const file = join(dir, 'influxdb.conf')
  writeFileSync(
    file,
    `reporting-disabled = true
bind-address = "127.0.0.1:${rpc}"
[meta]
  dir = "${join(dir, 'meta')}"
[data]
  dir = "${join(dir, 'data')}"
  wal-dir = "${join(dir, 'wal')}"
  query-log-enabled = false
  max-series-per-database = 0
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
[monitor]
  store-enabled = false
`,
  )
  const child: ChildProcess = spawn('influxd', ['-config', file], { stdio: 'ignore' })
  await listening(port)
  const address = `http://127.0.0.1:${port}`
  await fetch(`${address}/query?q=CREATE+DATABASE+bench`, { method: 'POST' })
  return {
    pid: child.pid ?? 0,
    async query(influxql) {
      const text = await (
        await fetch(`${address}/query?db=bench&epoch=ms&q=${encodeURIComponent(influxql)}`)
      ).text()
      if (text.includes('"error"')) throw new Error(text.slice(0, 300))
      return text
    },
    async write(lines) {
      const body = { method: 'POST', body: lines }
      const answer = await fetch(`${address}/write?db=bench&precision=ms`, body)
      if (!answer.ok) throw new Error(`InfluxDB refused lines: ${await answer.text()}`)
    },
    stop: () => stopped(child),
  }
}

export async function fillInflux(influx: InfluxRows, history: History): Promise<void> {
  let lines: string[] = []
  const send = async () => {
    if (lines.length > 0) await influx.write(lines.join('\n'))
    lines = []
  }
  for (const row of fleetRows(history)) {
    const { kind, device, seq, timeMs, delayMs, fields, radio } = row
    const values = Object.entries({ ...fields, rsrpDbm: radio.rsrpDbm, sinrDb: radio.sinrDb })
    const text = values.map(([name, value]) => `${name}=${value}`).join(',')
    lines.push(
      `telemetry,kind=${kind},device=${device},rat=${radio.rat} ${text},ageMs=${delayMs},seq=${seq}i ${timeMs}`,
    )
    if (lines.length >= LINES_PER_WRITE) await send()
  }
  for (const { device, town, timeMs, energyKwh, powerKw } of meterRows(history)) {
    lines.push(
      `heat_meter,device=${device},town=${town} energyKwh=${energyKwh},powerKw=${powerKw} ${timeMs}`,
    )
    if (lines.length >= LINES_PER_WRITE) await send()
  }
  await send()
}
