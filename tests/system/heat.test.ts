import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRandom, type Random } from '#lib/runtime/random.ts'
import { settledDelivery } from '../support/fleet.ts'
import { startPlatform, temporaryDir, type Platform } from '../support/platform.ts'

/*
 * Registers over MQTT, heat over HTTP. The Danish meter of docs/domain.md 3.2 is read where it lies
 * and floored to the whole kWh that such a meter counts; what comes back is compared with registers
 * looked up in the file, by the calendar of Copenhagen.
 */
const TRACE = new URL('../../../shared/traces/heat_meter_hourly_2018_2019.csv', import.meta.url)
const present = existsSync(TRACE)
if (!present) process.stderr.write('the Danish meter is skipped: ../shared/traces is not there\n')

const SEED = Number(process.env['SEED'] ?? 20261124)
const HOUR_MS = 3_600_000
const ZONE = 'Europe/Copenhagen'
const FROM = '2018-01-02T23:00:00Z'
const TO = '2019-12-31T23:00:00Z'

interface Register {
  readonly atMs: number
  readonly energyKwh: number
}

describe(`recovered heat of a running platform (SEED=${SEED})`, () => {
  const dir = temporaryDir('heat')
  let platform: Platform

  beforeAll(async () => {
    platform = await startPlatform({ dataDir: dir.path })
    await platform.api('/tenants', { body: { id: 'heat', name: 'Heat' } })
  })
  afterAll(async () => {
    await platform.stop()
    dir.remove()
  })

  it.skipIf(!present)('is that of the Danish meter, by day, month and year', async () => {
    const random = createRandom(SEED)
    const kept = withGap(readTrace())
    const device = await addMeter('danish', { role: 'delivered', town: 'Aalborg', maxPowerKw: 20 })
    const again = kept.filter(() => random.next() < 0.05)
    await send(device, shuffled([...kept, ...again], random))
    const [delivery] = (await platform.api(`/delivery?device=${device.id}`)).body.data
    expect(delivery).toMatchObject({ stored: kept.length, duplicate: again.length, rejected: 0 })

    const hours = new Set(kept.map(({ atMs }) => atMs))
    for (const [every, unit, count] of UNITS) {
      const buckets = bucketsOf(unit)
      expect(buckets).toHaveLength(count)
      const rows = await heatOf(`device=${device.id}&every=${every}&from=${FROM}&to=${TO}`)
      const expected = buckets.map(([startMs, fromMs, toMs]) => ({
        time: new Date(startMs).toISOString(),
        // Where no reading is nearer to one end than to the other, nothing is known of the energy.
        energyKwh: nearest(kept, toMs) - nearest(kept, fromMs),
        coverage: expect.closeTo(coveredShare(hours, fromMs, toMs), 9),
      }))
      expect(rows.map(({ energyKwh, ...row }) => ({ ...row, energyKwh: energyKwh ?? 0 }))).toEqual(
        expected.map((row) => expect.objectContaining(row)),
      )
      // Every kWh is in one of them, also those of the gap.
      const total = rows.reduce((sum, row) => sum + (row.energyKwh ?? 0), 0)
      expect(total).toBe((kept.at(-1)?.energyKwh ?? 0) - (kept[0]?.energyKwh ?? 0))
      expect(rows.some(({ bridgedKwh }) => bridgedKwh > 0)).toBe(true)
    }
  })

  it('keeps handed-off and delivered heat apart, counts silent meters, and names a reset', async () => {
    const town = { town: 'Padborg', municipality: 'Aabenraa' }
    const plant = { dataCentre: 'small' }
    const handoff = await addMeter('handoff', { ...town, ...plant, role: 'handoff' })
    const delivered = await addMeter('delivered', { ...town, ...plant, role: 'delivered' })
    await addMeter('silent', { ...town, role: 'delivered' })
    await addMeter('pump', { ...town, role: 'heat_pump_power' }, 'energy_meter')
    await addMeter('nameless', {})
    const end = Math.floor(Date.now() / HOUR_MS) * HOUR_MS
    const hourly = (energies: readonly number[]) =>
      energies.map((energyKwh, at) => ({
        atMs: end - (energies.length - 1 - at) * HOUR_MS,
        energyKwh,
      }))
    await send(handoff, hourly([100, 110, 120, 130, 140]))
    // Between the third and the fourth the register fell back: that hour is not known.
    await send(delivered, hourly([1000, 1015, 1030, 2, 17]))
    const span = `from=${new Date(end - 4 * HOUR_MS).toISOString()}&to=${new Date(end).toISOString()}`

    const { body } = await platform.api(
      `/heat/recovered?by=town&boundary=handoff,delivered&${span}&tenant=heat`,
    )
    const rows = body.data.filter(({ group }: Row) => group['town'] === 'Padborg')
    expect(rows).toMatchObject([
      {
        group: { boundary: 'delivered', town: 'Padborg' },
        energyKwh: 45,
        meters: 2,
        coverage: 3 / 8,
        intervals: { measured: 3, missing: 2 },
      },
      { group: { boundary: 'handoff', town: 'Padborg' }, energyKwh: 40, meters: 1, coverage: 1 },
    ])
    expect(body.meta).toMatchObject({ metersWithoutRole: 1, timeZone: ZONE })
    expect(body.meta.findings).toEqual([
      {
        device: 'heat.delivered',
        code: 'register_reset',
        time: new Date(end - 2 * HOUR_MS).toISOString(),
        to: new Date(end - HOUR_MS).toISOString(),
        count: 1,
      },
    ])
    const only = async (question: string) =>
      (await heatOf(`${question}&${span}`)).find(({ group }) => Object.values(group)[0] !== null)
    expect(await only('by=town&device=heat.delivered')).toMatchObject({ energyKwh: 45 })
    expect(await only('by=data_centre&boundary=handoff')).toMatchObject({
      group: { dataCentre: 'small' },
      energyKwh: 40,
    })
    expect(await only('by=municipality')).toMatchObject({ group: { municipality: 'Aabenraa' } })
    const silent = await heatOf(`device=heat.silent&${span}`)
    expect(silent).toMatchObject([{ energyKwh: null, uncertaintyKwh: null, coverage: 0 }])
    const fine = await heatOf(`device=heat.handoff&boundary=handoff&every=15m&${span}`)
    expect(fine).toHaveLength(16)
    expect(fine.reduce((sum, { energyKwh }) => sum + (energyKwh ?? 0), 0)).toBe(40)
  })

  async function heatOf(question: string): Promise<Row[]> {
    const { status, body } = await platform.api(`/heat/recovered?limit=10000&${question}`)
    expect(status, JSON.stringify(body)).toBe(200)
    return body.data
  }

  async function addMeter(id: string, settings: object, kind = 'heat_meter') {
    const made = await platform.api('/devices', { body: { id, tenant: 'heat', kind, settings } })
    expect(made.status, JSON.stringify(made.body)).toBe(201)
    const { body } = await platform.api(`/devices/heat.${id}/credentials`, { body: {} })
    const { username, password } = body
    return { id: `heat.${id}`, topic: `padborg/v1/heat/${id}/telemetry`, username, password }
  }

  async function send(
    { topic, username, password }: Awaited<ReturnType<typeof addMeter>>,
    registers: readonly Register[],
  ): Promise<void> {
    const client = await platform.mqtt({ username, password })
    await Promise.all(
      registers.map(({ atMs, energyKwh }) => {
        const message = { v: 1, kind: 'heat_meter', ts: atMs, data: { energyKwh, status: 'OK' } }
        return client.publishAsync(topic, JSON.stringify(message), { qos: 1 })
      }),
    )
    await client.endAsync()
    await settledDelivery(platform, 60_000)
  }
})

interface Row {
  readonly group: Readonly<Record<string, string | null>>
  readonly time: string
  readonly energyKwh: number | null
  readonly bridgedKwh: number
}

const UNITS = [
  ['P1D', 'days', 728],
  ['P1M', 'months', 24],
  ['P1Y', 'years', 2],
] as const

function readTrace(): Register[] {
  const lines = readFileSync(TRACE, 'utf8').trim().split('\n').slice(1)
  return lines.map((line) => {
    const [, , time = '', energy] = line.split(',')
    return { atMs: Date.parse(time), energyKwh: Math.floor(Number(energy)) }
  })
}

/** Five days in a row are missing, and every 501st hour. */
function withGap(all: readonly Register[]): Register[] {
  const from = Date.parse('2018-11-10T06:00:00Z')
  const isInGap = ({ atMs }: Register) => atMs >= from && atMs < from + 120 * HOUR_MS
  return all.filter((row, at) => !isInGap(row) && (at === 0 || at % 501 !== 0))
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const keyed = items.map((item) => ({ item, key: random.next() }))
  return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item)
}

/** The local days, months or years of the span: where each begins, and its part of the span. */
function bucketsOf(unit: 'days' | 'months' | 'years') {
  const [fromMs, toMs] = [Date.parse(FROM), Date.parse(TO)]
  const buckets: (readonly [startMs: number, fromMs: number, toMs: number])[] = []
  const first = { days: '2018-01-03', months: '2018-01-01', years: '2018-01-01' }[unit]
  let date = Temporal.PlainDate.from(first)
  for (;;) {
    const startMs = date.toZonedDateTime(ZONE).epochMilliseconds
    if (startMs >= toMs) return buckets
    date = date.add({ [unit]: 1 })
    const nextMs = date.toZonedDateTime(ZONE).epochMilliseconds
    buckets.push([startMs, Math.max(startMs, fromMs), Math.min(nextMs, toMs)])
  }
}

/** The register of the reading nearest to a moment, the earlier one of two. */
function nearest(sorted: readonly Register[], momentMs: number): number {
  const after = sorted.findIndex(({ atMs }) => atMs >= momentMs)
  const [before, next] = [sorted[after - 1], sorted[after]]
  if (!next) return before?.energyKwh ?? NaN
  if (!before) return next.energyKwh
  return (momentMs - before.atMs <= next.atMs - momentMs ? before : next).energyKwh
}

/** Hours whose both ends were read, over all hours. */
function coveredShare(hours: ReadonlySet<number>, fromMs: number, toMs: number): number {
  let covered = 0
  for (let hour = fromMs; hour < toMs; hour += HOUR_MS) {
    if (hours.has(hour) && hours.has(hour + HOUR_MS)) covered += 1
  }
  return covered / ((toMs - fromMs) / HOUR_MS)
}
