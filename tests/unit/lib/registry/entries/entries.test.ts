import { describe, expect, it } from 'vitest'
import type { NewDevice, Site } from '#lib/registry/registry.ts'
import { addDevice, openTestRegistry, openWithTenants, refusal } from '../test-registry.ts'

const SITE: Site = {
  id: 'padborg',
  tenant: null,
  name: 'Padborg Transportcenter',
  position: { lat: 54.826, lon: 9.358 },
  outline: [
    [54.82, 9.35],
    [54.83, 9.35],
    [54.83, 9.36],
    [54.82, 9.35],
  ],
}
const BAD_NAMES: readonly unknown[] = ['', '   ', 'x'.repeat(201), 'half \uD800', 5, null]
const BAD_IDS: readonly unknown[] = [
  '',
  '-a',
  '_a',
  'a.b',
  'a/b',
  'a b',
  'ø',
  'a'.repeat(64),
  'a\n',
  '+',
  '#',
  7,
  null,
  undefined,
]

describe('tenants', () => {
  it('are created, listed in the order of their ids, found and deleted', () => {
    const { registry, changes } = openTestRegistry()
    const { tenants } = registry
    const borg = tenants.create({ id: 'borg', name: 'Borg A/S' })
    tenants.create({ id: 'acme', name: 'Acme' })
    expect(borg).toEqual({ id: 'borg', name: 'Borg A/S', createdAt: '2026-11-24T12:00:00.123Z' })
    expect(tenants.list().map(({ id }) => id)).toEqual(['acme', 'borg'])
    expect(tenants.get('borg')).toEqual(borg)
    expect(tenants.get('nobody')).toBeNull()
    tenants.delete('borg')
    expect(tenants.get('borg')).toBeNull()
    expect(tenants.list().map(({ id }) => id)).toEqual(['acme'])
    expect(changes).toEqual([
      { table: 'tenants', id: 'borg', affects: null },
      { table: 'tenants', id: 'acme', affects: null },
      { table: 'tenants', id: 'borg', affects: { tenant: 'borg', device: null } },
    ])
  })

  it('are refused with an id or a name that cannot be one', () => {
    const { registry } = openTestRegistry()
    // What a caller without types may send.
    for (const id of BAD_IDS) {
      const act = () => registry.tenants.create({ id: id as string, name: 'A' })
      expect(refusal(act, 'REGISTRY_INVALID').path).toBe('id')
    }
    for (const name of BAD_NAMES) {
      const act = () => registry.tenants.create({ id: 'a', name: name as string })
      expect(refusal(act, 'REGISTRY_INVALID').path).toBe('name')
    }
    expect(registry.tenants.list()).toEqual([])
  })

  it('cannot be created twice, and the ids of prototypes are ids like others', () => {
    const { registry } = openTestRegistry()
    registry.tenants.create({ id: 'constructor', name: 'A' })
    const act = () => registry.tenants.create({ id: 'constructor', name: 'B' })
    expect(refusal(act, 'REGISTRY_CONFLICT').path).toBe('id')
    expect(registry.tenants.get('toString')).toBeNull()
    expect(registry.tenants.get('constructor')?.name).toBe('A')
  })

  it('are deleted with their sites and keys, but never with devices', () => {
    const { registry, changes } = openWithTenants()
    registry.sites.create({ ...SITE, id: 'yard', tenant: 'acme' })
    registry.sites.create({ ...SITE, id: 'other', tenant: 'borg' })
    const app = registry.keys.create({ role: 'application', tenant: 'acme', name: 'erp' })
    addDevice(registry, 'acme.t1')
    const error = refusal(() => registry.tenants.delete('acme'), 'REGISTRY_CONFLICT')
    expect(error.message).toContain('1 device')
    expect(registry.keys.authenticate(app.key)).not.toBeNull()

    registry.devices.delete('acme.t1')
    changes.length = 0
    registry.tenants.delete('acme')
    expect(registry.sites.list().map(({ id }) => id)).toEqual(['other'])
    expect(registry.keys.list()).toEqual([])
    expect(registry.keys.authenticate(app.key)).toBeNull()
    expect(registry.credentials.authenticate('acme', app.key)).toBeNull()
    const affects = { tenant: 'acme', device: null }
    expect(changes).toEqual([
      { table: 'keys', id: app.id, affects },
      { table: 'sites', id: 'yard', affects: null },
      { table: 'tenants', id: 'acme', affects },
    ])
    const again = refusal(() => registry.tenants.delete('acme'), 'REGISTRY_MISSING')
    expect(again.message).toContain('"acme"')
  })
})

describe('sites', () => {
  it('belong to one tenant or to all, and are found and deleted', () => {
    const { registry } = openWithTenants()
    const shared = registry.sites.create(SITE)
    const own = { id: 'yard', tenant: 'acme', name: 'Yard', position: null, outline: null }
    expect(registry.sites.create(own)).toEqual(own)
    expect(shared).toEqual(SITE)
    expect(registry.sites.list()).toEqual([SITE, own])
    registry.sites.delete('yard')
    expect(registry.sites.get('yard')).toBeNull()
    refusal(() => registry.sites.delete('yard'), 'REGISTRY_MISSING')
    refusal(() => registry.sites.create(SITE), 'REGISTRY_CONFLICT')
  })

  it('do not change when the caller changes its object later', () => {
    const { registry } = openWithTenants()
    const given = { ...SITE, position: { lat: 54, lon: 9 } }
    const made = registry.sites.create(given)
    given.position.lat = 1
    expect(made.position).toEqual({ lat: 54, lon: 9 })
    expect(registry.sites.get(SITE.id)?.position).toEqual({ lat: 54, lon: 9 })
  })

  it.each<[string, Partial<Site>]>([
    ['id', { id: '-' }],
    ['name', { name: '' }],
    ['tenant', { tenant: 'nobody' }],
    ['position', { position: { lat: 91, lon: 9 } }],
    ['position', { position: { lat: 54, lon: Number.NaN } }],
    ['outline', { outline: [] }],
    ['outline', { outline: SITE.outline?.slice(0, 3) ?? [] }],
    ['outline[1]', { outline: [[1, 1], [1, 181], [2, 2], [1, 1]] }], // prettier-ignore
  ])('are refused for their %s', (path, fault) => {
    const { registry } = openWithTenants()
    const error = refusal(() => registry.sites.create({ ...SITE, ...fault }), 'REGISTRY_INVALID')
    expect(error.path).toBe(path)
    expect(error.message).toMatch(/^\S+: expected .+, got .+; .+/)
    expect(registry.sites.list()).toEqual([])
  })

  it('cannot be deleted while a device is registered there', () => {
    const { registry } = openWithTenants()
    registry.sites.create(SITE)
    addDevice(registry, 'acme.t1', { site: 'padborg' })
    refusal(() => registry.sites.delete('padborg'), 'REGISTRY_CONFLICT')
    registry.devices.delete('acme.t1')
    registry.sites.delete('padborg')
  })
})

describe('devices', () => {
  it('have defaults for what is left out', () => {
    const { registry, changes } = openWithTenants()
    const device = addDevice(registry, 'acme.t1')
    expect(device).toEqual({
      id: 'acme.t1',
      tenant: 'acme',
      name: 't1',
      kind: 'truck',
      format: 'native',
      topics: [],
      gateway: false,
      site: null,
      settings: {},
      secretNames: [],
      createdAt: '2026-11-24T12:00:00.123Z',
    })
    expect(registry.devices.get('acme.t1')).toEqual(device)
    expect(registry.devices.list()).toEqual([device])
    expect(changes).toEqual([{ table: 'devices', id: 'acme.t1', affects: null }])
  })

  it('keep their values, and show no secret', () => {
    const { registry } = openWithTenants()
    registry.sites.create(SITE)
    const settings = { maxPowerKw: 30, labels: { a: 1, b: 'x' } }
    const device = addDevice(registry, 'acme.m1', {
      kind: 'heat_meter',
      name: 'Meter 1',
      format: 'wmbusmeters',
      topics: ['wmbusmeters/m1', 'wmbusmeters/m1'],
      site: 'padborg',
      settings,
      secrets: { aesKey: '0123456789ABCDEF', b: 'x' },
    })
    settings.maxPowerKw = 0
    expect(device).toMatchObject({
      name: 'Meter 1',
      topics: ['wmbusmeters/m1'],
      settings: { maxPowerKw: 30, labels: { a: 1, b: 'x' } },
      secretNames: ['aesKey', 'b'],
    })
    expect(JSON.stringify(registry.devices.list())).not.toContain('0123456789ABCDEF')
    expect(registry.secretOf('acme.m1', 'aesKey')).toBe('0123456789ABCDEF')
    expect(registry.secretOf('acme.m1', 'constructor')).toBeNull()
    expect(registry.secretOf('acme.m2', 'aesKey')).toBeNull()
  })

  it('have ids that are unique within their tenant only', () => {
    const { registry } = openWithTenants()
    addDevice(registry, 'acme.t1')
    addDevice(registry, 'borg.t1')
    expect(registry.devices.list().map(({ id }) => id)).toEqual(['acme.t1', 'borg.t1'])
    const error = refusal(() => addDevice(registry, 'acme.t1'), 'REGISTRY_CONFLICT')
    expect(error).toMatchObject({ path: 'id' })
    expect(error.message).toContain('acme.t1')
  })

  it('that exist are refused for their id, not for their own topics', () => {
    const { registry } = openWithTenants()
    const again: Partial<NewDevice> = { topics: ['uagv/v2/KIT/0001/#'] }
    addDevice(registry, 'acme.r1', again)
    expect(refusal(() => addDevice(registry, 'acme.r1', again), 'REGISTRY_CONFLICT').path).toBe(
      'id',
    )
  })

  it('are deleted with their credentials, secrets and topics', () => {
    const { registry, changes, restart } = openWithTenants()
    addDevice(registry, 'acme.t1', { topics: ['x/#'], secrets: { aesKey: 'k' } })
    const { password } = registry.credentials.create('acme.t1')
    changes.length = 0
    registry.devices.delete('acme.t1')
    expect(changes).toEqual([
      { table: 'devices', id: 'acme.t1', affects: { tenant: 'acme', device: 'acme.t1' } },
    ])
    expect(registry.devices.get('acme.t1')).toBeNull()
    expect(registry.credentials.authenticate('acme.t1', password)).toBeNull()
    refusal(() => registry.credentials.list('acme.t1'), 'REGISTRY_MISSING')
    refusal(() => registry.devices.delete('acme.t1'), 'REGISTRY_MISSING')
    addDevice(registry, 'acme.t2', { topics: ['x/y'] })
    addDevice(registry, 'acme.t1')
    const reopened = restart()
    expect(reopened.credentials.list('acme.t1')).toEqual([])
    expect(reopened.credentials.authenticate('acme.t1', password)).toBeNull()
    expect(reopened.secretOf('acme.t1', 'aesKey')).toBeNull()
  })
})
