import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settledDelivery } from '../support/fleet.ts'
import { startPlatform, temporaryDir, type Platform } from '../support/platform.ts'

/* Series over HTTP, from messages over MQTT: counters, calendar intervals, times as people write them. */

const HOUR_MS = 3_600_000
const START_MS = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 40 * HOUR_MS
const at = (hours: number) => new Date(START_MS + hours * HOUR_MS).toISOString()

interface Row {
  readonly time: string
  readonly fields: Readonly<Record<string, { readonly delta: number }>>
}

describe('series of a running platform', () => {
  const dir = temporaryDir('series')
  let platform: Platform

  beforeAll(async () => {
    platform = await startPlatform({ dataDir: dir.path })
    await platform.api('/tenants', { body: { id: 'acme', name: 'Acme' } })
    await send(
      'm1',
      'heat_meter',
      Array.from({ length: 30 }, (_, hour) => [hour, { energyKwh: 1000 + 7 * hour }]),
    )
    const way = Array.from({ length: 14 }, (_, nth): Sent => [
      nth / 12,
      { odometerM: 500_000 + 3000 * nth },
    ])
    await send('t1', 'truck', way)
    const spiked = [1000, 1001, 1002, 90_000, 1004, 1005]
    await send(
      'm2',
      'heat_meter',
      spiked.map((energyKwh, hour) => [hour, { energyKwh }]),
    )
  })
  afterAll(async () => {
    await platform.stop()
    dir.remove()
  })

  type Sent = readonly [hours: number, data: object]

  async function send(name: string, kind: string, sent: readonly Sent[]): Promise<void> {
    const id = `acme.${name}`
    const settings = kind === 'heat_meter' ? { role: 'delivered', town: name } : {}
    await platform.api('/devices', { body: { id: name, tenant: 'acme', kind, settings } })
    const { body } = await platform.api(`/devices/${id}/credentials`, { body: {} })
    const client = await platform.mqtt({ username: body.username, password: body.password })
    for (const [seq, [hours, data]] of sent.entries()) {
      const message = { v: 1, kind, ts: START_MS + hours * HOUR_MS, seq, data }
      const topic = `padborg/v1/acme/${name}/telemetry`
      await client.publishAsync(topic, JSON.stringify(message), { qos: 1 })
    }
    await client.endAsync()
    await settledDelivery(platform)
  }

  async function rowsOf(path: string): Promise<readonly Row[]> {
    const { status, body } = await platform.api(path)
    expect(status, JSON.stringify(body)).toBe(200)
    return body.data
  }

  it('give each hour what an hourly meter gained in it', async () => {
    const span = `from=${at(1)}&to=${at(29)}`
    const rows = await rowsOf(`/readings?device=acme.m1&${span}&every=1h&fields=energyKwh`)
    expect(rows.map(({ fields }) => fields['energyKwh']?.delta)).toEqual(Array(28).fill(7))
  })

  it('add up to the way of a truck', async () => {
    const span = `from=${at(1 / 12)}&to=${at(13 / 12)}`
    const rows = await rowsOf(`/readings?device=acme.t1&${span}&every=15m`)
    const deltas = rows.map(({ fields }) => fields['odometerM']?.delta ?? 0)
    expect(deltas.reduce((sum, delta) => sum + delta, 0)).toBe(36_000)
  })

  it('leave a wrong register out of heat and deltas without any setting', async () => {
    const span = `from=${at(0)}&to=${at(6)}`
    const { body } = await platform.api(`/heat/recovered?device=acme.m2&${span}`)
    expect(body.data[0].energyKwh).toBe(5)
    expect(body.meta.findings).toMatchObject([{ code: 'implausible_jump' }])
    const rows = await rowsOf(`/readings?device=acme.m2&${span}&every=1h`)
    expect(rows.map(({ fields }) => fields['energyKwh']?.delta)).toEqual([0, 1, 1, 0, 2, 1])
  })

  describe('of local days', () => {
    const HOURS = 3 * 24 + 1
    const firstMs = Date.parse('2019-10-26T00:00:00+02:00')

    beforeAll(async () => {
      const hours = Array.from({ length: HOURS }, (_, hour): Sent => {
        return [(firstMs - START_MS) / HOUR_MS + hour, { energyKwh: 500 + 7 * hour, powerKw: 7 }]
      })
      await send('m3', 'heat_meter', hours)
    })

    const SPAN = 'from=2019-10-26&to=2019-10-28T23:00:00Z'
    const STARTS = [
      '2019-10-25T22:00:00.000Z',
      '2019-10-26T22:00:00.000Z',
      '2019-10-27T23:00:00.000Z',
    ]

    it.each(['P1D', '1d'])('have 25 hours when the clock goes back: every=%s', async (every) => {
      const { body } = await platform.api(`/readings?device=acme.m3&${SPAN}&every=${every}`)
      expect(body.meta).toMatchObject({ timezone: 'Europe/Copenhagen', every: 'P1D' })
      const rows: readonly (Row & { count: number })[] = body.data
      expect(rows.map(({ time }) => time)).toEqual(STARTS)
      expect(rows.map(({ count }) => count)).toEqual([24, 25, 24])
      expect(rows.map(({ fields }) => fields['energyKwh']?.delta)).toEqual([23 * 7, 25 * 7, 24 * 7])
      expect(body.meta.coverage).toBe(1)
    })

    it('are the same in readings, throughput and heat, page by page', async () => {
      for (const path of ['/readings?', '/kpi/throughput?', '/heat/recovered?']) {
        const times: string[] = []
        let cursor = ''
        do {
          const query = `${path}device=acme.m3&${SPAN}&every=P1D&limit=1${cursor}`
          const { body } = await platform.api(query)
          times.push(...body.data.map(({ time }: Row) => time))
          cursor = body.next === null ? '' : `&cursor=${body.next}`
          expect(body.meta.timezone, path).toBe('Europe/Copenhagen')
        } while (cursor !== '')
        expect(times, path).toEqual(STARTS)
      }
    })

    it('are those of latency', async () => {
      const { body } = await platform.api('/kpi/latency?stage=durable&every=P1D&from=-1d')
      const midnight = Temporal.PlainTime.from('00:00')
      for (const { time } of body.data) {
        const local = Temporal.Instant.from(time).toZonedDateTimeISO('Europe/Copenhagen')
        expect(local.toPlainTime()).toEqual(midnight)
      }
      expect(body.data.length).toBeGreaterThan(0)
    })

    it('begin at midnight in months and years too', async () => {
      for (const [every, time] of [
        ['P1M', '2019-09-30T22:00:00.000Z'],
        ['P1Y', '2018-12-31T23:00:00.000Z'],
      ] as const) {
        const { body } = await platform.api(`/kpi/throughput?device=acme.m3&${SPAN}&every=${every}`)
        expect(body.data).toMatchObject([{ time, messages: 73 }])
        expect(body.meta.every).toBe(every)
      }
    })
  })

  it('have the percentiles of latency that were named, beside the usual ones', async () => {
    const query = '/kpi/latency?stage=durable,stored&from=-1h&percentiles=50,90,99.9'
    const { body } = await platform.api(query)
    expect(body.data.length).toBeGreaterThan(0)
    for (const row of body.data) {
      const figures = ['p50Ms', 'p90Ms', 'p95Ms', 'p99Ms', 'p99.9Ms', 'maxMs'].map(
        (name) => row[name],
      )
      expect(figures.every((figure) => typeof figure === 'number')).toBe(true)
      expect(figures).toEqual(figures.toSorted((a, b) => a - b))
    }
    expect(body.meta.unit).toMatchObject({ p50Ms: 'ms', p90Ms: 'ms', 'p99.9Ms': 'ms' })
    const csv = await platform.api(`${query}&as=csv`)
    expect(csv.body).toMatch(/p50Ms,p95Ms,p99Ms,.*p90Ms,p99\.9Ms/)
    const refused = await platform.api('/kpi/latency?percentiles=50,101')
    expect(refused).toMatchObject({ status: 422, body: { path: 'percentiles' } })
  })

  it('group heat by device, and by data centre in either spelling', async () => {
    const span = `from=${at(0)}&to=${at(6)}&tenant=acme`
    const { body } = await platform.api(`/heat/recovered?by=device&${span}`)
    const device = { device: 'acme.m2' }
    expect(body.data).toContainEqual(expect.objectContaining({ group: device, energyKwh: 5 }))
    for (const by of ['dataCentre', 'data_centre']) {
      const { body } = await platform.api(`/heat/recovered?by=${by}&${span}`)
      expect(body.data[0].group, by).toEqual({ dataCentre: null })
    }
  })

  it('take times before now, and dates', async () => {
    const { body } = await platform.api('/readings?device=acme.m1&from=-2d&to=-15m&limit=1')
    const [from, to] = [Date.parse(body.meta.from), Date.parse(body.meta.to)]
    expect(Math.abs(to - from - (48 * HOUR_MS - 15 * 60_000))).toBeLessThanOrEqual(HOUR_MS)
    const month = await platform.api('/readings?device=acme.m1&from=-1M&limit=1')
    expect(Date.parse(month.body.meta.from)).toBeLessThan(Date.now() - 27 * 24 * HOUR_MS)
    const date = await platform.api('/kpi/throughput?from=2026-01-31&to=2026-07-01')
    expect(date.body.meta).toMatchObject({
      from: '2026-01-30T23:00:00.000Z',
      to: '2026-06-30T22:00:00.000Z',
    })
  })

  it.each([
    ['from', '2026-02-30', 'a date that exists'],
    ['from', 'yesterday', '-7d'],
    ['every', '1 month', 'P1M'],
    ['every', 'P1D&from=2015-01-01', 'at most 2000 intervals'],
  ])('say which forms there are: %s=%s', async (name, text, hint) => {
    const { status, body } = await platform.api(`/readings?device=acme.m1&${name}=${text}`)
    expect(status).toBe(422)
    expect(body.detail).toContain(hint)
  })
})
