import { mkdirSync } from 'node:fs'
import { startInfluxd } from '../../tests/support/influxd.ts'
import { fleetRows, meterRows, type FleetRow, type History, type MeterRow } from './history.ts'

const LINES_PER_WRITE = 5000

/** Debian's InfluxDB 1.x, with the same rows. */
export interface InfluxRows {
  readonly pid: number
  query(influxql: string): Promise<string>
  /** Line protocol with times in ms. */
  write(lines: string): Promise<void>
  /** Ends the process; its data stay. */
  stop(): Promise<void>
}

export async function startInflux(dir: string): Promise<InfluxRows> {
  mkdirSync(dir, { recursive: true })
  const influxd = await startInfluxd({ dir, data: ['max-series-per-database = 0'] })
  const account = Buffer.from(`${influxd.username}:${influxd.password}`).toString('base64')
  const headers = { authorization: `Basic ${account}` }
  await fetch(`${influxd.url}/query?q=CREATE+DATABASE+bench`, { method: 'POST', headers })
  return {
    pid: influxd.pid,
    async query(influxql) {
      const address = `${influxd.url}/query?db=bench&epoch=ms&q=${encodeURIComponent(influxql)}`
      const text = await (await fetch(address, { headers })).text()
      if (text.includes('"error"')) throw new Error(text.slice(0, 300))
      return text
    },
    async write(lines) {
      const address = `${influxd.url}/write?db=bench&precision=ms`
      const response = await fetch(address, { method: 'POST', body: lines, headers })
      if (!response.ok) throw new Error(`InfluxDB refused lines: ${await response.text()}`)
    },
    stop: () => influxd.kill(),
  }
}

export async function fillInflux(influx: InfluxRows, history: History): Promise<void> {
  let lines: string[] = []
  for (const line of linesOf(history)) {
    lines.push(line)
    if (lines.length < LINES_PER_WRITE) continue
    await influx.write(lines.join('\n'))
    lines = []
  }
  if (lines.length > 0) await influx.write(lines.join('\n'))
}

function* linesOf(history: History): Iterable<string> {
  for (const row of fleetRows(history)) yield fleetLine(row)
  for (const row of meterRows(history)) yield meterLine(row)
}

function fleetLine({ kind, device, seq, timeMs, delayMs, fields, radio }: FleetRow): string {
  const { rat, rsrpDbm, sinrDb } = radio
  const values = Object.entries({ ...fields, rsrpDbm, sinrDb, ageMs: delayMs })
  const text = values.map(([name, value]) => `${name}=${value}`).join(',')
  return `telemetry,kind=${kind},device=${device},rat=${rat} ${text},seq=${seq}i ${timeMs}`
}

function meterLine({ device, town, timeMs, energyKwh, powerKw }: MeterRow): string {
  return `heat_meter,device=${device},town=${town} energyKwh=${energyKwh},powerKw=${powerKw} ${timeMs}`
}
