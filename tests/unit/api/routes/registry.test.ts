import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../test-app.ts'

describe('the registry over HTTP', () => {
  let test: TestApp

  beforeEach(async () => {
    test = await createTestApp()
  })
  afterEach(() => test.close())

  const idsOf = (body: { data: { id: string }[] }) => body.data.map(({ id }) => id)

  it('creates a tenant, a device and a credential as the README does', async () => {
    const tenant = await test.request('/tenants', { body: { id: 'gamma', name: 'Gamma ApS' } })
    expect(tenant.status).toBe(201)
    expect(tenant.body).toEqual({
      id: 'gamma',
      name: 'Gamma ApS',
      createdAt: '2026-11-24T12:00:00.000Z',
    })
    const device = await test.request('/devices', {
      body: { id: 't1', tenant: 'gamma', kind: 'truck' },
    })
    expect(device.status).toBe(201)
    expect(device.headers['location']).toBe('/api/v1/devices/gamma.t1')
    expect(device.body).toMatchObject({ id: 'gamma.t1', tenant: 'gamma', format: 'native' })
    const credential = await test.request('/devices/gamma.t1/credentials', { body: {} })
    expect(credential.status).toBe(201)
    expect(credential.body).toMatchObject({ username: 'gamma.t1', validTo: null })
    const { username, password } = credential.body
    expect(test.registry.credentials.authenticate(username, password)).not.toBeNull()
  })

  it('never shows a password, a key or a secret again', async () => {
    const made = await test.request('/devices', {
      body: {
        id: 'm1',
        tenant: 'acme',
        kind: 'heat_meter',
        settings: { town: 'Padborg', secrets: { aesKey: 'inner-secret' } },
        secrets: { pin: 'outer-secret' },
      },
    })
    expect(made.body.settings).toEqual({ town: 'Padborg' })
    expect(made.body.secretNames).toEqual(['aesKey', 'pin'])
    const { body: credential } = await test.request('/devices/acme.m1/credentials', {
      method: 'POST',
    })
    const { body: key } = await test.request('/keys', {
      body: { role: 'tenant-viewer', tenant: 'acme', name: 'viewer' },
    })
    const hidden = ['inner-secret', 'outer-secret', credential.password, key.key]
    for (const path of ['/devices', '/devices/acme.m1', '/devices/acme.m1/credentials', '/keys']) {
      for (const as of ['', '?as=csv']) {
        const { text } = await test.request(path + (path === '/devices/acme.m1' ? '' : as))
        for (const secret of hidden) expect(text).not.toContain(secret)
      }
    }
    const wrong = await test.request('/devices', {
      body: { id: 'm2', tenant: 'acme', kind: 'truck', settings: { secrets: 'inner-secret' } },
    })
    expect(wrong.body).toMatchObject({ status: 422, path: 'secrets' })
    expect(wrong.text).not.toContain('inner-secret')
  })

  it('returns 409 for an existing id, 422 with the path of a fault, 404 for an unknown id', async () => {
    const again = await test.request('/tenants', { body: { id: 'acme', name: 'Acme' } })
    expect(again.status).toBe(409)
    expect(again.body).toMatchObject({ code: 'REGISTRY_CONFLICT', title: 'Conflict' })
    const body = { id: 'x', tenant: 'acme', kind: 'truck' }
    for (const [wrong, path] of [
      [{ ...body, id: 'no dots.' }, 'id'],
      [{ ...body, kind: 'lorry' }, 'kind'],
      [{ ...body, tenant: 'nobody' }, 'tenant'],
      [{ ...body, format: 'xml' }, 'format'],
      [{ ...body, topics: ['padborg/v1/x'] }, 'topics[0]'],
      [{ ...body, topics: [7] }, 'topics[0]'],
      [{ ...body, site: 'nowhere' }, 'site'],
      [{ ...body, colour: 'red' }, 'colour'],
      [{ tenant: 'acme', kind: 'truck' }, 'id'],
      [{ id: 'x', kind: 'truck' }, 'tenant'],
    ] as const) {
      const response = await test.request('/devices', { body: wrong })
      expect(response.status, JSON.stringify(wrong)).toBe(422)
      expect(response.body).toMatchObject({ path })
      expect(response.body.detail).toMatch(/expected .*; /)
    }
    expect((await test.request('/tenants/nobody', { method: 'DELETE' })).status).toBe(404)
    expect((await test.request('/keys/nobody', { method: 'DELETE' })).status).toBe(404)
    expect((await test.request('/devices/acme.none')).status).toBe(404)
    expect((await test.request('/tenants/acme', { method: 'DELETE' })).status).toBe(409)
  })

  it('takes ids of the full length', async () => {
    const long = 'a'.repeat(63)
    await test.request('/tenants', { body: { id: long, name: 'long' } })
    await test.request('/devices', { body: { id: long, tenant: long, kind: 'truck' } })
    const { status, body } = await test.request(`/devices/${long}.${long}`)
    expect(status).toBe(200)
    expect(body.id).toHaveLength(127)
  })

  it('lists page by page, and narrows devices to kinds and tenants', async () => {
    const first = await test.request('/devices?limit=3')
    expect(idsOf(first.body)).toEqual(['acme.h1', 'acme.t1', 'beta.h1'])
    const second = await test.request(`/devices?limit=3&cursor=${first.body.next}`)
    expect(idsOf(second.body)).toEqual(['beta.t1'])
    expect(second.body.next).toBeNull()
    const trucks = await test.request('/devices?kind=truck&tenant=beta')
    expect(idsOf(trucks.body)).toEqual(['beta.t1'])
    const foreign = await test.request(`/tenants?cursor=${first.body.next}`)
    expect(foreign.body).toMatchObject({ status: 422, path: 'cursor' })
    const csv = await test.request('/tenants?as=csv&locale=da')
    expect(csv.text).toBe(
      'id;name;createdAt\r\n' +
        'acme;acme;2026-11-24T12:00:00.000Z\r\nbeta;beta;2026-11-24T12:00:00.000Z\r\n',
    )
  })

  it('shows a tenant its own, and sites of all', async () => {
    const role = 'tenant-viewer'
    for (const [id, tenant] of [
      ['yard', 'acme'],
      ['dock', 'beta'],
      ['border', null],
    ] as const) {
      const position = { lat: 54.8, lon: 9.3 }
      const made = await test.request('/sites', { body: { id, tenant, name: id, position } })
      expect(made.status).toBe(201)
    }
    expect(idsOf((await test.request('/tenants', { role })).body)).toEqual(['acme'])
    expect(idsOf((await test.request('/sites', { role })).body)).toEqual(['border', 'yard'])
    expect(idsOf((await test.request('/devices', { role })).body)).toEqual(['acme.h1', 'acme.t1'])
    const { body } = await test.request('/keys', { role: 'tenant-operator' })
    expect(new Set(body.data.map(({ tenant }: { tenant: string }) => tenant))).toEqual(
      new Set(['acme']),
    )
    expect(idsOf((await test.request('/devices', { role: 'secretariat' })).body)).toEqual([
      'acme.h1',
      'beta.h1',
    ])
  })

  it('lets an operator write devices and credentials of its tenant', async () => {
    const role = 'tenant-operator'
    const made = await test.request('/devices', { role, body: { id: 't2', kind: 'truck' } })
    expect(made.body).toMatchObject({ id: 'acme.t2', tenant: 'acme' })
    const { body } = await test.request('/devices/t2/credentials', { role, body: {} })
    const path = '/devices/acme.t2/credentials'
    expect(idsOf((await test.request(path, { role })).body)).toEqual([body.id])
    expect((await test.request(`${path}/${body.id}`, { role, method: 'DELETE' })).status).toBe(204)
    expect((await test.request(path, { role })).body.data).toEqual([])
    expect((await test.request('/devices/acme.t2', { role, method: 'DELETE' })).status).toBe(204)
    expect((await test.request('/devices/acme.t2', { role })).status).toBe(404)
  })

  it('ends a credential at the time given', async () => {
    const path = '/devices/acme.t1/credentials'
    const { body } = await test.request(path, { body: { validTo: '2026-12-24T00:00:00Z' } })
    expect(body.validTo).toBe('2026-12-24T00:00:00.000Z')
    const past = await test.request(path, { body: { validTo: '2020-01-01T00:00:00Z' } })
    expect(past.body).toMatchObject({ status: 422, path: 'validTo' })
  })

  it('makes keys for roles and shows them once', async () => {
    const { status, body } = await test.request('/keys', {
      body: { role: 'tenant-viewer', tenant: 'beta', name: 'for the yard' },
    })
    expect(status).toBe(201)
    const mine = await test.request('/session', { key: body.key })
    expect(mine.body).toMatchObject({ role: 'tenant-viewer', tenant: 'beta' })
    const without = await test.request('/keys', { body: { role: 'tenant-viewer', name: 'x' } })
    expect(without.body).toMatchObject({ status: 422, path: 'tenant', code: 'REGISTRY_INVALID' })
    const odd = await test.request('/keys', { body: { role: 'king', name: 'x' } })
    expect(odd.body.detail).toMatch(/one of admin, .*got "king"/)
    expect((await test.request(`/keys/${body.id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await test.request('/session', { key: body.key })).status).toBe(401)
  })

  it('shows the catalogue of kinds', async () => {
    const { body } = await test.request('/kinds', { role: 'engineer' })
    const truck = body.data.find(({ name }: { name: string }) => name === 'truck')
    expect(truck.fields).toContainEqual({
      name: 'speedKmh',
      type: 'number',
      role: 'gauge',
      unit: 'km/h',
      min: 0,
      max: 130,
      values: null,
      description: expect.stringContaining('Speed'),
    })
    expect(body.radio[0]).toMatchObject({ name: 'rat', values: ['lte', 'nr-nsa', 'nr-sa'] })
    const csv = await test.request('/kinds?as=csv')
    expect(csv.text).toMatch(/^kind,name,type,role,unit,min,max,values,description\r\ntruck,lat,/)
  })
})
