import { spawn } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { peerFolder } from './peer-folder.ts'
import { listening, stopped } from './processes.ts'
import type { Probe, Subject } from './subject.ts'

const INFLUX = 'http://127.0.0.1:8086'
const MQTT_PORT = 1884

/** mosquitto -> Node consumer -> InfluxDB 1.x: what a user would assemble instead. */
export async function peerPipeline(tools: string, dir: string): Promise<Subject> {
  const folder = peerFolder(tools, dir)
  const influx = spawn('influxd', ['-config', 'influxdb.conf'], { cwd: folder, stdio: 'ignore' })
  await listening(8086)
  await fetch(`${INFLUX}/query?q=CREATE+DATABASE+bench`, { method: 'POST' })
  const mosquitto = spawn('mosquitto', ['-c', 'mosquitto.conf'], { cwd: folder, stdio: 'ignore' })
  await listening(MQTT_PORT)
  const consumer = spawn(process.execPath, ['consumer.mjs'], { cwd: folder, stdio: 'ignore' })
  await pause(1500)
  return {
    name: 'peer',
    pids: { mosquitto: mosquitto.pid ?? 0, consumer: consumer.pid ?? 0, influxd: influx.pid ?? 0 },
    load: ['--port', String(MQTT_PORT)],
    async rows() {
      const result = JSON.parse(await query('SELECT count(seq) FROM telemetry'))
      return result.results?.[0]?.series?.[0]?.values?.[0]?.[1] ?? 0
    },
    probe: PROBE,
    async stop() {
      for (const child of [consumer, mosquitto, influx]) await stopped(child)
    },
  }
}

const PROBE: Probe = {
  url: `mqtt://127.0.0.1:${MQTT_PORT}`,
  topic: 'fleet/99999/telemetry',
  payload: peerPayload,
  async isThere(seq) {
    const latest = `SELECT seq FROM telemetry WHERE device='truck-99999' ORDER BY time DESC LIMIT 5`
    return (await query(latest)).includes(String(seq))
  },
}

async function query(influxql: string): Promise<string> {
  const address = `${INFLUX}/query?db=bench&q=${encodeURIComponent(influxql)}`
  return (await fetch(address)).text()
}

function peerPayload(seq: number): string {
  return JSON.stringify({
    v: 1,
    deviceId: 'truck-99999',
    class: 'heavy',
    town: 'town-1',
    seq,
    ts: Date.now(),
    pos: { lat: 48.1, lon: 11.5, alt: 500 },
    speed: 1.5,
    heading: 1.5,
    radio: { rssi: -60, snr: 1.5, rsrp: -99, rsrq: -10, cell: '262-01-1000' },
    engineTemp: 80.5,
    fuel: 50.5,
    odoKm: 1000.5,
    batteryV: 24.5,
    heatKw: 55.5,
  })
}
