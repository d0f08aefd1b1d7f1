import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LossRow } from '#lib/kpi/network/loss.ts'
import type { ThroughputRow } from '#lib/kpi/network/throughput.ts'
import { NOON_NS, SECOND_NS, deliveryRow, latencyRow } from '../rows.ts'
import { createTestApp, type TestApp } from '../test-app.ts'

const HOUR_NS = 3600n * SECOND_NS

describe('network figures', () => {
  let test: TestApp

  beforeEach(async () => {
    test = await createTestApp()
  })
  afterEach(() => test.close())

  it('show latency with its method, its error and its clock', async () => {
    const uplink = { stage: 'uplink', clockBoundMs: 4.5, n: 5 } as const
    test.port.rows.latency = [latencyRow(), latencyRow(uplink)]
    const { status, body } = await test.request('/kpi/latency')
    expect(status).toBe(200)
    const figures = { p50Ms: 1, p95Ms: 2, p99Ms: 3, maxMs: 4, negative: 0 }
    const how = { method: 'histogram', relError: 0.02, late: 0 }
    expect(body.data).toEqual([
      { group: {}, stage: 'age', n: 10, ...figures, clockBoundMs: null, ...how },
      { group: {}, stage: 'uplink', n: 5, ...figures, clockBoundMs: 4.5, ...how },
    ])
    expect(body.meta).toMatchObject({ unit: { p95Ms: 'ms' }, coverage: null })
  })

  it('show the uplink as null without a clock bound, never as the age', async () => {
    const group = { device: 'acme.t1' }
    test.port.rows.latency = [
      latencyRow({ group }),
      latencyRow({ group: { device: 'beta.t1' } }),
      latencyRow({ group: { device: 'beta.t1' }, stage: 'uplink', clockBoundMs: null }),
    ]
    const { body } = await test.request('/kpi/latency?by=device')
    const nulls = { p50Ms: null, p95Ms: null, p99Ms: null, maxMs: null, clockBoundMs: null }
    const uplinks = body.data.filter(({ stage }: { stage: string }) => stage === 'uplink')
    expect(uplinks).toHaveLength(2)
    for (const row of uplinks) expect(row).toMatchObject({ n: 0, ...nulls })
    const age = await test.request('/kpi/latency?by=device&stage=age')
    expect(age.body.data).toHaveLength(2)
    expect(test.port.received.at(-1)?.query).toMatchObject({ stages: ['age'], by: ['device'] })
  })

  it('are ordered by time and group, page by page, and tell their coverage', async () => {
    const row = (hours: bigint, device: string): ThroughputRow => ({
      group: { device },
      timeNs: NOON_NS - hours * HOUR_NS,
      messages: 3600,
      readings: 7200,
      bytes: 360_000,
      messagesPerS: 1,
      bytesPerS: 100,
    })
    test.port.rows.throughput = [row(1n, 'beta.t1'), row(1n, 'acme.t1'), row(2n, 'beta.t1')]
    const address = '/kpi/throughput?by=device&every=1h&from=2026-11-24T10:00:00Z&limit=2'
    const first = await test.request(address)
    const second = await test.request(`${address}&cursor=${first.body.next}`)
    const keys = [...first.body.data, ...second.body.data].map(
      ({ time, group }) => `${time.slice(11, 13)} ${group.device}`,
    )
    expect(keys).toEqual(['10 beta.t1', '11 acme.t1', '11 beta.t1'])
    expect(second.body.next).toBeNull()
    expect(first.body.meta).toMatchObject({ coverage: 0.75, every: 'PT1H' })
    expect(second.body.meta.coverage).toBe(0.75)
    const csv = await test.request(`${address}&as=csv&locale=da`)
    expect(csv.text.split('\r\n').slice(0, 2)).toEqual([
      'time;device;messages;readings;bytes;messagesPerS;bytesPerS',
      '2026-11-24T10:00:00.000Z;beta.t1;3600;7200;360000;1;100',
    ])
  })

  it('show loss, and null where nothing was expected', async () => {
    const none: LossRow = {
      group: { cell: null },
      timeNs: null,
      expected: 0,
      received: 0,
      lost: 0,
      lossRatio: null,
      restarts: 1,
    }
    test.port.rows.loss = [none]
    const { body } = await test.request('/kpi/loss?by=cell')
    const { timeNs: _, ...shown } = none
    expect(body.data).toEqual([shown])
    const csv = await test.request('/kpi/loss?by=cell&as=csv')
    expect(csv.text.split('\r\n')[1]).toBe(',0,0,0,,1')
  })

  it('take the documented groupings, and say why site is none of them', async () => {
    await test.request('/kpi/loss?by=device,kind,tenant,rat&by=cell,operator,band&kind=truck')
    expect(test.port.received.at(-1)?.query).toMatchObject({
      by: ['device', 'kind', 'tenant', 'rat', 'cell', 'operator', 'band'],
      scope: { tenants: null, devices: null, kinds: ['truck'] },
    })
    const { status, body } = await test.request('/kpi/latency?by=site')
    expect(status).toBe(422)
    expect(body.path).toBe('by')
    expect(body.detail).toMatch(/one of device, .*site is not available: .*got "site"/)
  })

  it('name devices and tenants for the engineer by pseudonyms', async () => {
    test.port.rows.latency = [latencyRow({ group: { device: 'acme.t1', tenant: 'acme' } })]
    const { body } = await test.request('/kpi/latency?by=device,tenant&stage=age', {
      role: 'engineer',
    })
    expect(body.data[0].group).toEqual({
      device: expect.stringMatching(/^device-/),
      tenant: expect.stringMatching(/^tenant-/),
    })
    const delivery = await test.request(`/delivery?device=${body.data[0].group.device}`, {
      role: 'engineer',
    })
    expect(delivery.status).toBe(200)
    expect(test.port.received.at(-1)?.query).toMatchObject({ scope: { devices: ['acme.t1'] } })
  })

  it.each(['/heat/balance', '/experiments', '/shares'])('do not hold %s yet', async (address) => {
    const { status, body } = await test.request(address)
    expect(status).toBe(404)
    expect(body).toMatchObject({ title: 'Not Found' })
    expect(body.detail).toContain(`GET /api/v1${address}`)
  })
})

describe('/delivery', () => {
  let test: TestApp

  beforeEach(async () => {
    const devices = ['beta.t1', 'beta.h1', 'acme.t1', 'acme.gone']
    test = await createTestApp({ delivery: devices.map(deliveryRow) })
  })
  afterEach(() => test.close())

  it('shows the sums as the ingest role has them, by device', async () => {
    const { body } = await test.request('/delivery?limit=10000')
    expect(body.data[1]).toEqual(deliveryRow('acme.t1'))
    const devices = body.data.map(({ device }: { device: string }) => device)
    expect(devices).toEqual(['acme.gone', 'acme.t1', 'beta.h1', 'beta.t1'])
    const csv = await test.request('/delivery?device=beta.h1&as=csv')
    expect(csv.text).toBe(
      'device,accepted,stored,rejected,duplicate,pending,late,partial,lost,commands\r\n' +
        'beta.h1,4,2,1,1,0,0,0,0,0\r\n',
    )
  })

  it('is of meters alone for the secretariat, and of a kind where asked', async () => {
    const { body } = await test.request('/delivery', { role: 'secretariat' })
    expect(body.data).toEqual([deliveryRow('beta.h1')])
    const trucks = await test.request('/delivery?kind=truck&tenant=acme')
    expect(trucks.body.data).toEqual([deliveryRow('acme.t1')])
    const none = await test.request('/delivery?kind=truck', { role: 'secretariat' })
    expect(none.body.data).toEqual([])
  })
})
