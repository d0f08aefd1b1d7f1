import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HeatQuery } from '#lib/queries/heat/recovered-rows.ts'
import { NOON_NS, SECOND_NS, heatResult, heatRow } from '../rows.ts'
import { createTestApp, type TestApp } from '../test-app.ts'

const HOUR_NS = 3600n * SECOND_NS

describe('recovered heat', () => {
  let test: TestApp

  beforeEach(async () => {
    test = await createTestApp()
  })
  afterEach(() => test.close())

  const asked = () => test.port.received.at(-1)?.query as HeatQuery

  it('is the delivered heat of the last day by default', async () => {
    test.port.rows.recoveredHeat = heatResult([heatRow()], ['acme.h1'])
    const { status, body } = await test.request('/heat/recovered')
    expect(status).toBe(200)
    expect(asked()).toMatchObject({ boundaries: ['delivered'], by: [], every: null })
    expect(asked()).toMatchObject({ fromNs: NOON_NS - 24n * HOUR_NS, toNs: NOON_NS })
    expect(asked().scope.kinds).toEqual(['heat_meter', 'energy_meter'])
    const { boundary, energyKwh, bridgedKwh, uncertaintyKwh, intervals, meters } = heatRow()
    const figures = { energyKwh, bridgedKwh, uncertaintyKwh, intervals, meters, coverage: 0.9 }
    expect(body.data).toEqual([{ group: {}, boundary, ...figures, isProvisional: true }])
    expect(body.meta).toMatchObject({
      unit: { energyKwh: 'kWh' },
      boundary: ['delivered'],
      method: 'register difference',
      coverage: 0.9,
      timeZone: 'Europe/Copenhagen',
    })
  })

  it('names the meter whose register was reset, and when', async () => {
    test.port.rows.recoveredHeat = heatResult([heatRow()], ['acme.h1'])
    const { body } = await test.request('/heat/recovered')
    expect(body.meta.findings).toEqual([
      {
        device: 'acme.h1',
        code: 'register_reset',
        time: '2026-11-24T11:59:00.000Z',
        to: '2026-11-24T12:00:00.000Z',
        count: 1,
      },
    ])
  })

  it('shows null, never zero, where nothing is known', async () => {
    const nothing = { energyKwh: null, uncertaintyKwh: null, coverage: 0 }
    test.port.rows.recoveredHeat = heatResult([heatRow({ ...nothing, isProvisional: true })], [])
    expect((await test.request('/heat/recovered')).body.data[0]).toMatchObject(nothing)
    const csv = await test.request('/heat/recovered?as=csv')
    expect(csv.text.split('\r\n')[1]).toBe('delivered,,20,,0,true,20,1,1,0,1')
  })

  it('keeps the two boundaries apart where a query names both', async () => {
    const group = { town: 'Padborg' }
    test.port.rows.recoveredHeat = heatResult(
      [
        heatRow({ group: { boundary: 'delivered', ...group } }),
        heatRow({ group: { boundary: 'handoff', ...group }, boundary: 'handoff', energyKwh: 70 }),
      ],
      [],
    )
    const { body } = await test.request('/heat/recovered?boundary=handoff,delivered&by=town')
    expect(asked()).toMatchObject({ boundaries: ['handoff', 'delivered'], by: ['town'] })
    expect(body.data.map(({ group, energyKwh }: never) => [group, energyKwh])).toEqual([
      [{ boundary: 'delivered', town: 'Padborg' }, 120],
      [{ boundary: 'handoff', town: 'Padborg' }, 70],
    ])
  })

  it('is paged in the order of time and place, as CSV too', async () => {
    const row = (hours: bigint, town: string | null) =>
      heatRow({ group: { town }, time: NOON_NS - hours * HOUR_NS })
    test.port.rows.recoveredHeat = heatResult(
      [row(1n, 'Tinglev'), row(1n, null), row(2n, 'Tinglev')],
      [],
    )
    const address = '/heat/recovered?by=town&every=PT1H&limit=2'
    const first = await test.request(address)
    const second = await test.request(`${address}&cursor=${first.body.next}`)
    const keys = [...first.body.data, ...second.body.data].map(
      ({ time, group }) => `${time.slice(11, 13)} ${group.town}`,
    )
    expect(keys).toEqual(['10 Tinglev', '11 null', '11 Tinglev'])
    expect(second.body.next).toBeNull()
    const csv = await test.request(`${address}&as=csv&locale=da`)
    expect(csv.text.split('\r\n').slice(0, 2)).toEqual([
      'time;boundary;town;energyKwh;bridgedKwh;uncertaintyKwh;coverage;isProvisional;measured;bridged;missing;excluded;meters',
      '2026-11-24T10:00:00.000Z;delivered;Tinglev;120;20;1;0,9;true;20;1;1;0;1',
    ])
  })

  it.each(['15m', 'PT1H', 'P1D', 'P1W', 'P1M', 'P1Y'])('takes every=%s', async (every) => {
    const { status, body } = await test.request(`/heat/recovered?every=${every}`)
    expect(status).toBe(200)
    expect(asked().every).toBe(every)
    expect(body.meta.every).toBe(every)
  })

  it.each([
    ['every=P1X', 'every'],
    ['every=P0D', 'every'],
    ['every=1s&from=2026-01-01T00:00:00Z', 'every'],
    ['boundary=it', 'boundary'],
    ['by=tenant', 'by'],
    ['from=2026-11-25T00:00:00Z', 'from'],
  ])('refuses %s and says what is wrong', async (question, path) => {
    const { status, body } = await test.request(`/heat/recovered?${question}`)
    expect(status).toBe(422)
    expect(body.path).toBe(path)
    expect(body.detail).toMatch(/expected/)
  })

  it('says what to do where too many registers would be read', async () => {
    test.port.rows.recoveredHeat = { tooMany: true, limit: 400_000 }
    const { status, body } = await test.request('/heat/recovered')
    expect(status).toBe(422)
    expect(body.detail).toBe(
      'from: expected at most 400000 registers behind one result, got more; ' +
        'choose a shorter span or fewer devices',
    )
  })

  it('is for admin and secretariat everything, for a tenant its own, for an engineer nothing', async () => {
    for (const role of ['admin', 'secretariat'] as const) {
      expect((await test.request('/heat/recovered', { role })).status).toBe(200)
      expect(asked().scope.tenants).toBeNull()
    }
    await test.request('/heat/recovered', { role: 'tenant-viewer' })
    expect(asked().scope.tenants).toEqual(['acme'])
    expect((await test.request('/heat/recovered', { role: 'engineer' })).status).toBe(403)
  })
})
