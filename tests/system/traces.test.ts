import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settledDelivery } from '../support/fleet.ts'
import { addDevice, startPlatform, temporaryDir, type Platform } from '../support/platform.ts'

const TRACES = new URL('../../../shared/traces/', import.meta.url)
const present = existsSync(TRACES)
if (!present) process.stderr.write('the trace tests are skipped: ../shared/traces is not there\n')

type Row = Readonly<Record<string, string>>
interface Sent {
  readonly ts: number
  readonly kind: string
  readonly data: Readonly<Record<string, number | string>>
  readonly radio?: Readonly<Record<string, number | string>>
}

describe.skipIf(!present)('recorded traces, published as native messages', () => {
  const dir = temporaryDir('traces')
  let platform: Platform

  beforeAll(async () => {
    platform = await startPlatform({ dataDir: dir.path })
  })
  afterAll(async () => {
    await platform.stop()
    dir.remove()
  })

  for (const name of ['cicv5g_urban_n78_v30_run01', 'cicv5g_rural_n8_v10_01']) {
    it(`${name} comes back as probe readings with exact values`, async () => {
      const rows = readCsv(`${name}.csv`)
      const shift = Date.now() - Number(rows.at(-1)?.['pub_time_ms'])
      const sent = rows.map((row): Sent => ({
        ts: Number(row['pub_time_ms']) + shift,
        kind: 'probe',
        data: { rttMs: Number(row['rtt_ms']), speedKmh: Number(row['velocity_mps']) * 3.6 },
        radio: {
          rat: 'nr-sa',
          cellId: String(row['cell_id']),
          sinrDb: Number(row['sinr_db']),
          rsrpDbm: Number(row['rsrp_dbm']),
        },
      }))
      await publishAndCompare(`p-${name.replaceAll('_', '-')}`, 'truck', sent)
    })
  }

  it('the truck recording comes back as truck readings with exact values', async () => {
    const rows = readCsv('fms_truck_recording_part1.csv')
    const sent: Sent[] = []
    let atMs = 0
    for (const { signal = '', value = '', delay = '' } of rows) {
      const data = truckField(signal, value)
      if (data) sent.push({ ts: atMs, kind: 'truck', data })
      atMs += Number(delay) * 1000
    }
    const shift = Date.now() - (sent.at(-1)?.ts ?? 0)
    expect(sent.length).toBeGreaterThan(500)
    await publishAndCompare(
      'fms',
      'truck',
      sent.map((one) => ({ ...one, ts: Math.round(one.ts + shift) })),
    )
  })

  it('the heat meter comes back with its floored registers', async () => {
    const rows = readCsv('heat_meter_hourly_2018_2019.csv').slice(-2000)
    const last = Date.parse(String(rows.at(-1)?.['time_rounded']))
    const shift = Date.now() - last
    const sent = rows.map((row): Sent => ({
      ts: Date.parse(String(row['time_rounded'])) + shift,
      kind: 'heat_meter',
      data: {
        energyKwh: Math.floor(Number(row['energy_heat_kwh'])),
        volumeM3: Math.floor(Number(row['volume_flow_m3']) * 100) / 100,
        e8M3c: Number(row['inlet_flow_energy_m3xC']),
        e9M3c: Number(row['back_flow_energy_m3xC']),
      },
    }))
    await publishAndCompare('meter', 'heat_meter', sent)
  })

  async function publishAndCompare(id: string, kind: string, sent: readonly Sent[]): Promise<void> {
    const device = await addDevice(platform, { tenant: 'lab', id, kind })
    const { username, password } = device
    const client = await platform.mqtt({ username, password })
    await Promise.all(
      sent.map((one, at) =>
        client.publishAsync(device.topic, JSON.stringify({ v: 1, seq: at + 1, ...one }), {
          qos: 1,
        }),
      ),
    )
    await client.endAsync()
    await settledDelivery(platform)
    const found = new Map<number, { time: string; fields: object; radio: object | null }>()
    let cursor = ''
    const from = new Date((sent[0]?.ts ?? 0) - 1000).toISOString()
    do {
      const { body, status } = await platform.api(
        `/readings?kind=${sent[0]?.kind}&device=${device.id}&from=${from}&limit=5000${cursor}`,
      )
      expect(status).toBe(200)
      for (const row of body.data) found.set(row.seq, row)
      cursor = body.next ? `&cursor=${encodeURIComponent(body.next)}` : ''
    } while (cursor !== '')
    expect(found.size).toBe(sent.length)
    for (const [at, { ts, data, radio }] of sent.entries()) {
      const row = found.get(at + 1)
      expect(row && Date.parse(row.time)).toBe(ts)
      expect(row?.fields).toEqual(data)
      expect(row?.radio ?? undefined).toEqual(radio)
    }
  }
})

/** One VSS signal as a native truck field; null for signals that are not of the truck kind. */
function truckField(signal: string, value: string): Record<string, number> | null {
  const number = Number(value)
  if (value === '' || Number.isNaN(number)) return null
  if (signal === 'Vehicle.Speed') return { speedKmh: number }
  if (signal === 'Vehicle.TraveledDistanceHighRes') return { odometerM: number }
  if (signal.endsWith('Tank.First.RelativeLevel')) return { fuelPct: number }
  if (signal === 'Vehicle.CurrentOverallWeight') return { gcwKg: number }
  if (signal === 'Vehicle.Exterior.AirTemperature') return { ambientC: number }
  if (signal.endsWith('CombustionEngine.EngineHours')) return { engineHoursH: number }
  return null
}

function readCsv(name: string): Row[] {
  const [head = '', ...lines] = readFileSync(new URL(name, TRACES), 'utf8').trim().split(/\r?\n/)
  const names = head.split(',')
  return lines.map((line) => {
    const cells = line.split(',')
    return Object.fromEntries(names.map((column, at) => [column, cells[at] ?? '']))
  })
}
