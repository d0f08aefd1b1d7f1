import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPlatform, temporaryDir, type Platform } from '../support/platform.ts'

describe('settings of devices on a running platform', () => {
  const dir = temporaryDir('settings')
  let platform: Platform

  beforeAll(async () => {
    platform = await startPlatform({ dataDir: dir.path })
    await platform.api('/tenants', { method: 'POST', body: { id: 'acme', name: 'Acme' } })
    await add({ id: 'm1', kind: 'heat_meter', settings: { role: 'handoff', town: 'Bov' } })
  })

  afterAll(async () => {
    await platform.kill()
    dir.remove()
  })

  it.each([
    ['heat_meter', { maxPowrKw: 50 }, 'settings.maxPowrKw', 'maxPowerKw'],
    ['heat_meter', { maxPowerKw: '50' }, 'settings.maxPowerKw', 'kW'],
    ['heat_meter', { role: 'hand-off' }, 'settings.role', 'handoff, delivered'],
    ['energy_meter', { energyUnit: 'mwh' }, 'settings.energyUnit', 'MWh'],
    ['heat_meter', { timezone: 'Danmark' }, 'settings.timezone', 'Europe/Copenhagen'],
    ['heat_meter', { flowSensor: 'supply' }, 'settings.flowSensor', 'flow, return'],
    ['heat_meter', { registerDigits: 40 }, 'settings.registerDigits', '1 to 15'],
    ['truck', { role: 'handoff' }, 'settings.role', 'labels'],
    ['truck', { createSubDevices: true }, 'settings.createSubDevices', 'labels'],
  ])('are refused with path and what was meant: %s %j', async (kind, settings, path, words) => {
    const { status, body } = await add({ id: 'wrong', kind, settings })
    expect(status).toBe(422)
    expect(body.path).toBe(path)
    expect(body.detail).toContain(words)
  })

  it('are refused where the format cannot read the kind', async () => {
    const robots = await add({ id: 'wrong', kind: 'truck', format: 'vda5050' })
    expect(robots).toMatchObject({ status: 422, body: { path: 'format' } })
    expect(robots.body.detail).toContain('teltonika')
    expect(await add({ id: 'wrong', kind: 'gateway', format: 'mbus' })).toMatchObject({
      status: 422,
      body: { path: 'format' },
    })
  })

  it('must say which tracker of Teltonika it is', async () => {
    const tracker = { kind: 'truck', format: 'teltonika-codec8' }
    const refused = { status: 422, body: { path: 'settings.imei' } }
    expect(await add({ ...tracker, id: 'wrong' })).toMatchObject(refused)
    expect(await add({ ...tracker, id: 'wrong', settings: { imei: 12 } })).toMatchObject(refused)
    const settings = { imei: '356307042441013' }
    expect((await add({ ...tracker, id: 'k1', settings })).status).toBe(201)
    const topics = ['352093081452251/data']
    expect((await add({ ...tracker, id: 'k2', format: 'teltonika', topics })).status).toBe(201)
  })

  it('keep a key that came among them as a secret', async () => {
    const aesKey = '0123456789ABCDEF0123456789ABCDEF'
    const made = await add({ id: 'm2', kind: 'heat_meter', format: 'mbus', settings: { aesKey } })
    expect(made.body).toMatchObject({ settings: {}, secretNames: ['aesKey'] })
    expect(JSON.stringify(await platform.api('/devices'))).not.toContain(aesKey)
  })

  it('are described as JSON Schema with sentence and unit', async () => {
    const { body } = await platform.api('/kinds')
    const meter = body.data.find(({ name }: { name: string }) => name === 'heat_meter')
    expect(meter.settings.properties.maxPowerKw).toMatchObject({
      type: 'number',
      unit: 'kW',
      description: expect.stringContaining('power'),
      changesFigures: true,
    })
    const codec = body.formats.find(({ name }: { name: string }) => name === 'teltonika-codec8')
    expect(codec).toMatchObject({ kinds: ['truck'] })
    expect(codec.settings.properties).toHaveProperty('imei')
  })

  it('are changed by a merge document, with the same checks', async () => {
    const changed = await patch({ name: 'Meter 1', settings: { maxPowerKw: 50, town: null } })
    expect(changed.status).toBe(200)
    expect(changed.body).toMatchObject({
      id: 'acme.m1',
      name: 'Meter 1',
      settings: { role: 'handoff', maxPowerKw: 50 },
    })
    expect(changed.body.settings).not.toHaveProperty('town')
    expect(await patch({ settings: { maxPowerKw: -1 } })).toMatchObject({
      status: 422,
      body: { path: 'settings.maxPowerKw' },
    })
    expect(await patch({ kind: 'truck' })).toMatchObject({ status: 422, body: { path: 'kind' } })
    expect((await platform.api('/devices/acme.m1')).body).toEqual(changed.body)
  })

  it('that figures rest on stay known with the time until which they held', async () => {
    const validFrom = '2026-01-01T00:00:00.000Z'
    await add({ id: 'm3', kind: 'heat_meter', settings: { role: 'handoff', maxPowerKw: 10 } })
    await patch({ settings: { maxPowerKw: 20 }, validFrom }, 'm3')
    await patch({ name: 'No figure rests on its name' }, 'm3')
    const { body } = await platform.api('/devices/acme.m3/history')
    expect(body.data).toMatchObject([
      { validTo: validFrom, settings: { role: 'handoff', maxPowerKw: 10 } },
    ])
    const later = { settings: { maxPowerKw: 30 }, validFrom: '2126-01-01T00:00:00Z' }
    expect(await patch(later, 'm3')).toMatchObject({ status: 422, body: { path: 'validFrom' } })
  })

  it('and names of tenants and sites can be changed too, and are there after a restart', async () => {
    const site = { id: 'yard', name: 'Yard', position: { lat: 54.8, lon: 9.3 } }
    await platform.api('/sites', { method: 'POST', body: site })
    const moved = { method: 'PATCH', body: { position: { lat: 54.9 } } }
    expect((await platform.api('/sites/yard', moved)).body.position).toEqual({
      lat: 54.9,
      lon: 9.3,
    })
    const renamed = { method: 'PATCH', body: { name: 'Acme ApS' } }
    expect((await platform.api('/tenants/acme', renamed)).body.name).toBe('Acme ApS')
    const before = await platform.api('/devices')
    await platform.stop()
    platform = await startPlatform({ dataDir: dir.path })
    expect(await platform.api('/devices')).toEqual(before)
    expect((await platform.api('/tenants')).body.data).toMatchObject([{ name: 'Acme ApS' }])
    expect((await platform.api('/devices/acme.m3/history')).body.data).toHaveLength(1)
  })

  function add(device: object) {
    return platform.api('/devices', { method: 'POST', body: { tenant: 'acme', ...device } })
  }

  function patch(body: object, id = 'm1') {
    return platform.api(`/devices/acme.${id}`, { method: 'PATCH', body })
  }
})
