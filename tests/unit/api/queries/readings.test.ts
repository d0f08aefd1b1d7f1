import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NOON_NS, SECOND_NS, aggregateRow, readingRow } from '../rows.ts'
import { createTestApp, type TestApp } from '../test-app.ts'

describe('/readings', () => {
  let test: TestApp

  beforeEach(async () => {
    test = await createTestApp()
  })
  afterEach(() => test.close())

  it('shows a reading in its documented form', async () => {
    test.port.rows.readings = [
      readingRow('acme.t1', {
        timeNs: NOON_NS - SECOND_NS,
        receivedAtNs: NOON_NS - 1n,
        flags: ['late'],
        radio: { rat: 'nr-sa', rsrpDbm: -85 },
      }),
    ]
    const { status, body } = await test.request('/readings?kind=truck&device=acme.t1')
    expect(status).toBe(200)
    expect(body.data).toEqual([
      {
        time: '2026-11-24T11:59:59.000Z',
        device: 'acme.t1',
        tenant: 'acme',
        kind: 'truck',
        channel: 'telemetry',
        seq: 1,
        receivedAt: '2026-11-24T11:59:59.999999999Z',
        claimedTime: null,
        flags: ['late'],
        fields: { speedKmh: 72.5, lat: 54.8, lon: 9.3 },
        radio: { rat: 'nr-sa', rsrpDbm: -85 },
      },
    ])
    expect(body.next).toBeNull()
    expect(body.meta).toMatchObject({
      unit: { speedKmh: 'km/h', odometerM: 'm' },
      aggregation: expect.stringContaining('none'),
      coverage: null,
      from: '2026-11-23T12:00:00.000Z',
      to: '2026-11-24T12:00:00.000Z',
      every: null,
    })
  })

  it('covers the last 24 h by default, and accepts every notation of a time', async () => {
    const spans = [
      ['', NOON_NS - 86_400n * SECOND_NS, NOON_NS],
      ['from=2026-11-24T11:00:00Z', NOON_NS - 3600n * SECOND_NS, NOON_NS],
      ['from=2026-11-24T12:00:00%2B01:00', NOON_NS - 3600n * SECOND_NS, NOON_NS],
      ['from=2026-11-24T12:00:00+01:00', NOON_NS - 3600n * SECOND_NS, NOON_NS],
      ['from=1795518000000', NOON_NS - 3600n * SECOND_NS, NOON_NS],
      ['to=2026-11-24T11:00:00Z', NOON_NS - 90_000n * SECOND_NS, NOON_NS - 3600n * SECOND_NS],
    ] as const
    for (const [parameters, fromNs, toNs] of spans) {
      await test.request(`/readings?kind=truck&${parameters}`)
      expect(test.port.received.at(-1)?.query, parameters).toMatchObject({ fromNs, toNs })
    }
  })

  it('takes the kind of the given devices, and requires it where they differ', async () => {
    await test.request('/readings?device=acme.t1,beta.t1')
    expect(test.port.received.at(-1)?.query).toMatchObject({
      kind: 'truck',
      scope: { tenants: null, devices: ['acme.t1', 'beta.t1'], kinds: ['truck'] },
    })
    const mixed = await test.request('/readings?device=acme.t1&device=acme.h1')
    expect(mixed.status).toBe(422)
    expect(mixed.body).toMatchObject({ path: 'kind' })
    expect(mixed.body.detail).toMatch(/truck, heat_meter.*add kind/)
    test.registry.devices.create({ id: 'gw', tenant: 'acme', kind: 'gateway' })
    expect((await test.request('/readings?device=acme.gw')).body).toMatchObject({ path: 'kind' })
    expect((await test.request('/readings')).body).toMatchObject({ status: 422, path: 'kind' })
    expect((await test.request('/readings?device=acme.none')).status).toBe(404)
    expect((await test.request('/readings?kind=truck&device=acme.none')).status).toBe(404)
    expect((await test.request('/readings?kind=lorry')).body.detail).toMatch(
      /truck, robot.*"lorry"/,
    )
  })

  it('takes radio technologies of raw readings, and refuses a cursor of others', async () => {
    test.port.rows.readings = [1, 2].map((seq) => readingRow('acme.t1', { seq }))
    const page = await test.request('/readings?kind=truck&rat=nr-sa,none&limit=1')
    expect(test.port.received.at(-1)?.query).toMatchObject({ rats: ['nr-sa', 'none'] })
    const { next } = page.body
    const other = await test.request(`/readings?kind=truck&rat=lte&limit=1&cursor=${next}`)
    expect(other).toMatchObject({ status: 422, body: { path: 'cursor' } })
    const same = await test.request(`/readings?kind=truck&rat=none,nr-sa&limit=1&cursor=${next}`)
    expect(same.status).toBe(200)
    const unknown = await test.request('/readings?kind=truck&rat=5g')
    expect(unknown.body.detail).toMatch(/lte, nr-nsa, nr-sa, none.*"5g"/)
    const intervals = await test.request('/readings?kind=truck&rat=lte&every=1h')
    expect(intervals).toMatchObject({ status: 422, body: { path: 'rat' } })
  })

  it("takes a short id with a tenant's own key, and only there", async () => {
    const role = 'tenant-viewer'
    expect((await test.request('/readings?device=t1', { role })).status).toBe(200)
    expect(test.port.received.at(-1)?.query).toMatchObject({ scope: { devices: ['acme.t1'] } })
    expect((await test.request('/readings?device=t1')).status).toBe(404)
  })

  it('pages through one fixed span', async () => {
    test.port.rows.readings = [1, 2, 3].map((seq) =>
      readingRow('acme.t1', { seq, timeNs: NOON_NS - BigInt(10 - seq) * SECOND_NS }),
    )
    const seqs: number[] = []
    let cursor = ''
    do {
      const { status, body } = await test.request(`/readings?kind=truck&limit=2${cursor}`)
      expect(status).toBe(200)
      for (const row of body.data) seqs.push(row.seq)
      cursor = body.next ? `&cursor=${body.next}` : ''
      test.clock.nowNs += 3600n * SECOND_NS
    } while (cursor !== '')
    expect(seqs).toEqual([1, 2, 3])
    expect(test.port.received.at(-1)?.query).toMatchObject({ toNs: NOON_NS })
  })

  it('refuses a cursor of another query: the store would not understand its key', async () => {
    test.port.rows.readings = [1, 2].map((seq) => readingRow('acme.t1', { seq }))
    const { body } = await test.request('/readings?kind=truck&limit=1')
    for (const other of ['kind=robot', 'kind=truck&every=1h', 'kind=truck&order=desc']) {
      const wrong = await test.request(`/readings?${other}&cursor=${body.next}`)
      expect(wrong.body, other).toMatchObject({ status: 422, path: 'cursor' })
    }
    expect((await test.request('/readings?kind=truck&cursor=abc')).status).toBe(422)
    expect((await test.request(`/readings?kind=truck&cursor=${body.next}`)).status).toBe(200)
  })

  it('lists the latest first on order=desc', async () => {
    await test.request('/readings?kind=truck&order=desc')
    expect(test.port.received.at(-1)?.query).toMatchObject({ order: 'desc' })
    const both = await test.request('/readings?kind=truck&order=desc&every=1h')
    expect(both.body).toMatchObject({ status: 422, path: 'order' })
  })

  it('takes only fields of the kind', async () => {
    await test.request('/readings?kind=truck&fields=speedKmh,lat')
    expect(test.port.received.at(-1)?.query).toMatchObject({ fields: ['speedKmh', 'lat'] })
    const { status, body } = await test.request('/readings?kind=truck&fields=speedKmh,speed')
    expect(status).toBe(422)
    expect(body.detail).toMatch(/fields of truck \(lat, lon.*got "speed"/)
  })

  it.each([
    ['from=yesterday', 'from'],
    ['from=2026-11-24T11:00:00', 'from'],
    ['from=2026-11-24T12:00:00Z', 'from'],
    ['from=2026-11-24T11:00:00Z&to=2026-11-24T10:00:00Z', 'from'],
    ['every=15', 'every'],
    ['every=0s', 'every'],
    ['every=1s', 'every'],
    ['limit=0', 'limit'],
    ['limit=10001', 'limit'],
    ['limit=many', 'limit'],
    ['order=up', 'order'],
    ['devices=acme.t1', 'devices'],
    ['locale=de', 'locale'],
    ['kind=truck&kind=robot', 'kind'],
    ['__proto__=1', '__proto__'],
  ])('says what is wrong with %s', async (parameters, path) => {
    const { status, body, headers } = await test.request(`/readings?device=acme.t1&${parameters}`)
    expect(status).toBe(422)
    expect(headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(body).toMatchObject({ type: 'about:blank', title: 'Unprocessable Entity', path })
    expect(body.detail).toMatch(new RegExp(`^${path}: expected .*`))
  })

  it('names the known parameters for an unknown one, and every fault at once', async () => {
    const { body } = await test.request('/readings?kind=truck&form=2026&limit=0')
    expect(body.errors.map(({ path }: { path: string }) => path)).toEqual(['limit', 'form'])
    expect(body.errors[1].detail).toMatch(/known are kind, device, tenant, from, to, every/)
  })

  it('counts the intervals, and says what to do when they are too many', async () => {
    const { body } = await test.request('/readings?kind=truck&every=1s')
    expect(body.detail).toMatch(/at most 10000 intervals, got 86400; ask for a longer every/)
  })

  it.each(['PT15M', '15m'])('returns intervals for every=%s', async (every) => {
    test.port.rows.aggregates = [aggregateRow('acme.t1'), aggregateRow('beta.t1')]
    const { status, body } = await test.request(`/readings?device=acme.t1,beta.t1&every=${every}`)
    expect(status).toBe(200)
    expect(body.data[0]).toEqual({
      time: '2026-11-24T11:00:00.000Z',
      device: 'acme.t1',
      tenant: 'acme',
      kind: 'truck',
      count: 3,
      fields: {
        speedKmh: { min: 1, mean: 2, max: 3 },
        odometerM: { first: 10, last: 14, delta: 4 },
      },
    })
    expect(body.meta).toMatchObject({ every: 'PT15M', coverage: 2 / (2 * 96) })
    expect(test.port.received.at(-1)).toMatchObject({
      name: 'readings',
      query: { everyNs: 900n * SECOND_NS },
    })
  })

  it('counts devices without any reading in the coverage, and tells none of a part', async () => {
    test.port.rows.aggregates = [1n, 2n].map((hours) =>
      aggregateRow('acme.t1', { timeNs: NOON_NS - hours * 3600n * SECOND_NS }),
    )
    const span = 'from=2026-11-24T10:00:00Z&every=1h'
    const whole = await test.request(`/readings?device=acme.t1,beta.t1&${span}`)
    expect(whole.body.meta.coverage).toBe(0.5)
    const part = await test.request(`/readings?device=acme.t1&${span}&limit=1`)
    expect(part.body.meta.coverage).toBeNull()
    test.port.rows.aggregates = []
    expect((await test.request(`/readings?kind=truck&${span}`)).body.meta.coverage).toBeNull()
  })

  it('comes as CSV with the same columns on every page', async () => {
    test.port.rows.readings = [
      readingRow('acme.t1', { fields: { speedKmh: 72.5, driverState: '=cmd()' } }),
      readingRow('acme.t1', { seq: null, fields: {}, radio: { rsrpDbm: -85.5 } }),
    ]
    const address = '/readings?kind=truck&fields=speedKmh,driverState&limit=1'
    const accept = { headers: { accept: 'text/csv' } }
    const { headers, text } = await test.request(address, accept)
    expect(headers['content-type']).toMatch(/^text\/csv; charset=utf-8/)
    const [head, row] = text.split('\r\n')
    expect(head).toBe(
      'time,device,tenant,kind,channel,seq,receivedAt,flags,speedKmh,driverState,' +
        'radio.rat,radio.rsrpDbm,radio.rsrqDb,radio.sinrDb,radio.cellId,radio.band,radio.operator,' +
        'claimedTime',
    )
    expect(row).toContain(",72.5,'=cmd(),")
    const [, next = ''] = /^<(.+)>; rel="next"$/.exec(String(headers['link'])) ?? []
    const second = await test.request(`${next}&locale=da`, accept)
    expect(second.text.split('\r\n')[1]).toContain(';;;;-85,5;')
    expect(second.headers['link']).toBeUndefined()
  })

  it('comes as CSV of intervals, a column per figure', async () => {
    test.port.rows.aggregates = [aggregateRow('acme.t1')]
    const { text } = await test.request(
      '/readings?kind=truck&every=1h&fields=speedKmh,odometerM,ignition&as=csv',
    )
    expect(text).toBe(
      'time,device,tenant,kind,count,speedKmh.min,speedKmh.mean,speedKmh.max,' +
        'odometerM.first,odometerM.last,odometerM.delta,ignition.last\r\n' +
        '2026-11-24T11:00:00.000Z,acme.t1,acme,truck,3,1,2,3,10,14,4,\r\n',
    )
  })

  it.each([
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'application/json'],
    ['text/csv;q=0.5, application/json;q=0.4', 'text/csv'],
    ['application/json;q=0, text/csv', 'text/csv'],
    ['application/json; charset=utf-8', 'application/json'],
    ['text/csv; charset=utf-8; header=present', 'text/csv'],
    ['image/png', 'application/problem+json'],
  ])('sends for Accept: %s the type %s', async (accept, type) => {
    const response = await test.request('/readings?kind=truck', { headers: { accept } })
    expect(response.headers['content-type']).toContain(type)
    expect(response.status).toBe(type.includes('problem') ? 406 : 200)
  })

  it('says that Parquet is of raw readings only', async () => {
    const { status, body } = await test.request('/readings?kind=truck&every=1h&as=parquet')
    expect(status).toBe(406)
    expect(body.detail).toMatch(/Parquet.*text\/csv/)
  })

  it('shows the engineer pseudonyms and no places', async () => {
    const fields = { rttMs: 20, lat: 54.8, lon: 9.3, headingDeg: 90 }
    test.port.rows.readings = [readingRow('acme.t1', { kind: 'probe', fields })]
    const role = 'engineer'
    const { body } = await test.request('/readings?kind=probe', { role })
    const [row] = body.data
    expect(row.fields).toEqual({ rttMs: 20 })
    expect(row.device).toMatch(/^device-[0-9a-f]{24}$/)
    expect(row.tenant).toMatch(/^tenant-[0-9a-f]{24}$/)
    const again = await test.request(`/readings?kind=probe&device=${row.device}`, { role })
    expect(again.body.data).toEqual([row])
    expect((await test.request(`/readings?kind=probe&tenant=${row.tenant}`, { role })).status).toBe(
      200,
    )
    expect((await test.request('/readings?kind=probe&device=acme.t1', { role })).status).toBe(404)
    expect((await test.request('/readings?kind=probe&fields=lat', { role })).status).toBe(403)
    expect((await test.request('/readings?kind=truck', { role })).status).toBe(403)
    const csv = await test.request('/readings?kind=probe&as=csv', { role })
    expect(csv.text.split('\r\n')[0]).not.toMatch(/lat|lon|heading/)
    const other = await createTestApp({}, { pseudonymSecret: 'another' })
    other.port.rows.readings = test.port.rows.readings
    const elsewhere = await other.request('/readings?kind=probe', { role })
    expect(elsewhere.body.data[0].device).not.toBe(row.device)
    await other.close()
  })
})

describe('/last-values', () => {
  let test: TestApp

  beforeEach(async () => {
    test = await createTestApp({
      lastValues: [
        readingRow('beta.t1'),
        readingRow('acme.t1', { channel: 'radio', kind: 'radio', fields: { rsrpDbm: -85 } }),
        readingRow('acme.t1'),
        readingRow('acme.h1', { kind: 'heat_meter', fields: { energyKwh: 1 } }),
      ],
    })
  })
  afterEach(() => test.close())

  it('are listed by device, kind and channel, page by page', async () => {
    const first = await test.request('/last-values?limit=3')
    const second = await test.request(`/last-values?limit=3&cursor=${first.body.next}`)
    const keys = [...first.body.data, ...second.body.data].map((row) => `${row.device} ${row.kind}`)
    expect(keys).toEqual(['acme.h1 heat_meter', 'acme.t1 radio', 'acme.t1 truck', 'beta.t1 truck'])
    expect(second.body.next).toBeNull()
  })

  it('can be narrowed to kinds, and come as CSV with the columns of those', async () => {
    const { text } = await test.request('/last-values?kind=heat_meter,radio&as=csv&locale=da')
    const [head, ...rows] = text.trim().split('\r\n')
    expect(head).toContain(';flags;rsrpDbm;energyKwh;radio.rat;')
    expect(rows).toHaveLength(2)
  })

  it('are of heat and energy meters alone for the secretariat', async () => {
    const role = 'secretariat'
    const { body } = await test.request('/last-values', { role })
    expect(body.data.map(({ device }: { device: string }) => device)).toEqual(['acme.h1'])
    const trucks = await test.request('/last-values?kind=truck', { role })
    expect(trucks.status).toBe(403)
    expect(trucks.body.detail).toMatch(/heat_meter, energy_meter/)
  })
})
