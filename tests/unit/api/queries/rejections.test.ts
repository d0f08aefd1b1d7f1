import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NOON_NS, rejectionRow } from '../rows.ts'
import { createTestApp, type TestApp } from '../test-app.ts'

describe('/rejections', () => {
  let test: TestApp

  beforeEach(async () => {
    test = await createTestApp()
  })
  afterEach(() => test.close())

  it('shows the original bytes, the reason and the field', async () => {
    const payload = Buffer.from([0xff, 0x00, 0x7b])
    test.port.rows.rejections = [rejectionRow('acme.t1', { payload, item: 3 })]
    const { status, body } = await test.request('/rejections?device=acme.t1')
    expect(status).toBe(200)
    expect(body).toEqual({
      data: [
        {
          id: '4711.0',
          time: '2026-11-24T11:59:59.000Z',
          device: 'acme.t1',
          topic: 'padborg/v1/acme/t1/telemetry',
          reason: 'schema',
          path: 'data.speedKmh',
          expected: 'number',
          got: 'string',
          format: 'native',
          formatVersion: 1,
          subDevice: null,
          item: 3,
          elements: 1,
          payloadBase64: '/wB7',
          recoveredAt: null,
        },
      ],
      next: null,
    })
    test.port.rows.rejections = [rejectionRow('acme.t1', { recoveredAtNs: NOON_NS })]
    const after = await test.request('/rejections')
    expect(after.body.data[0].recoveredAt).toBe('2026-11-24T12:00:00.000Z')
  })

  it('can be narrowed to reasons of the table', async () => {
    test.port.rows.rejections = [
      rejectionRow('acme.t1', { id: '1.0', reason: 'kind' }),
      rejectionRow('acme.t1', { id: '2.0', reason: 'too_old' }),
    ]
    const { body } = await test.request('/rejections?reason=kind,schema')
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual(['1.0'])
    expect((await test.request('/rejections?reason=bad')).body).toMatchObject({ path: 'reason' })
  })

  it('are counted by reason and device, within the scope of the caller', async () => {
    test.port.rows.rejections = [rejectionRow('acme.t1'), rejectionRow('beta.t1')]
    const all = await test.request('/rejections/groups?by=reason,device')
    expect(all.body).toMatchObject({
      data: [
        { group: { reason: 'schema', device: 'acme.t1' }, count: 1, recovered: 0 },
        { group: { reason: 'schema', device: 'beta.t1' } },
      ],
      next: null,
    })
    const own = await test.request('/rejections/groups', { role: 'tenant-viewer' })
    expect(own.body.data.map(({ group }: { group: object }) => group)).toEqual([
      { reason: 'schema', device: 'acme.t1' },
    ])
    const csv = await test.request('/rejections/groups?as=csv')
    expect(csv.text.split('\n')[0]).toContain('reason,device,subDevice,format,path,count')
    expect((await test.request('/rejections/groups?by=colour')).body).toMatchObject({ path: 'by' })
  })

  it('ends a page with its bytes, so that no page fills the memory', async () => {
    const payload = new Uint8Array(256 * 1024)
    test.port.rows.rejections = Array.from({ length: 300 }, (_, at) =>
      rejectionRow('acme.t1', { id: `${at}.0`, payload }),
    )
    const ids: string[] = []
    let cursor = ''
    let pages = 0
    do {
      const { text, body } = await test.request(`/rejections?limit=10000${cursor}`)
      expect(text.length).toBeLessThan(48 * 1024 * 1024)
      for (const { id } of body.data) ids.push(id)
      cursor = body.next ? `&cursor=${body.next}` : ''
      pages += 1
    } while (cursor !== '')
    expect(pages).toBe(3)
    expect(new Set(ids).size).toBe(300)
  })

  it('queries small rejections in steps, up to the limit', async () => {
    test.port.rows.rejections = Array.from({ length: 300 }, (_, at) =>
      rejectionRow('acme.t1', { id: `${at}.0` }),
    )
    const { body } = await test.request('/rejections?limit=250')
    expect(body.data).toHaveLength(250)
    const rest = await test.request(`/rejections?limit=250&cursor=${body.next}`)
    expect(rest.body.data.map(({ id }: { id: string }) => id)[0]).toBe('250.0')
  })
})

describe('/rejections/replay', () => {
  let test: TestApp

  beforeEach(async () => {
    test = await createTestApp()
  })
  afterEach(() => test.close())

  const replay = (body: unknown, role: 'admin' | 'tenant-operator' = 'admin') =>
    test.request('/rejections/replay', { body, role })

  it.each([
    [{ ids: ['4711.0'] }, { ids: ['4711.0'], reasons: null, positions: null }],
    [{ filter: { reason: ['kind'] } }, { ids: null, reasons: ['kind'], positions: null }],
    [{ filter: { reason: 'kind' } }, { ids: null, reasons: ['kind'], positions: null }],
    [{ positions: { from: 3, to: 9 } }, { ids: null, positions: { from: 3, to: 9 } }],
  ])('takes %j', async (body, question) => {
    const { status, body: response } = await replay(body)
    expect(status).toBe(200)
    expect(response).toEqual({ recovered: 1, again: 0, duplicate: 0 })
    expect(test.port.received).toMatchObject([{ name: 'replay', query: question }])
  })

  it('stays within the tenant of its caller', async () => {
    await replay({ ids: ['1.0'] }, 'tenant-operator')
    expect(test.port.received[0]?.query).toMatchObject({ scope: { tenants: ['acme'] } })
    const narrowed = await replay({ filter: { device: ['t1'] } }, 'tenant-operator')
    expect(narrowed.status).toBe(200)
    expect(test.port.received[1]?.query).toMatchObject({ scope: { devices: ['acme.t1'] } })
    expect((await replay({ filter: { device: 'beta.t1' } }, 'tenant-operator')).status).toBe(404)
    expect(test.port.received).toHaveLength(2)
  })

  it.each([
    [{}, 'ids'],
    [{ ids: ['1.0'], filter: {} }, 'ids'],
    [{ ids: [] }, 'ids'],
    [{ ids: ['x'] }, 'ids[0]'],
    [{ positions: { from: 9, to: 3 } }, 'positions'],
    [{ positions: { from: 0, to: 3 } }, 'positions.from'],
    [{ positions: { from: 1.5, to: 3 } }, 'positions.from'],
    [{ filter: { since: 1 } }, 'filter.since'],
    [{ all: true }, 'all'],
  ])('says what is wrong with %j', async (body, path) => {
    const { status, body: problem } = await replay(body)
    expect(status).toBe(422)
    expect(problem).toMatchObject({ path })
    expect(test.port.received).toEqual([])
  })
})
