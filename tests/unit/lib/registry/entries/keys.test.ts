import { describe, expect, it } from 'vitest'
import type { Role } from '#lib/access/policy.ts'
import { openWithTenants, refusal } from '../test-registry.ts'

const ADMIN = { role: 'admin', tenant: null, name: 'first admin key' } as const

describe('API keys', () => {
  it('are generated, shown once, listed without key or hash', () => {
    const { registry, changes } = openWithTenants()
    const given = { role: 'tenant-viewer', tenant: 'acme', name: 'wall screen' } as const
    const { key, ...shown } = registry.keys.create(given)
    expect(shown).toEqual({ id: shown.id, ...given, createdAt: '2026-11-24T12:00:00.123Z' })
    expect(Buffer.from(key.replace('pbk_', ''), 'base64url').length * 8).toBe(192)
    expect(registry.keys.list()).toEqual([shown])
    expect(registry.keys.authenticate(key)).toEqual(shown)
    for (const wrong of ['', key.slice(1), `${key}x`, shown.id, key.toUpperCase()]) {
      expect(registry.keys.authenticate(wrong)).toBeNull()
    }
    expect(changes).toEqual([{ table: 'keys', id: shown.id, affects: null }])
  })

  it.each<[Role, string | null, string]>([
    ['admin', 'acme', 'tenant'],
    ['secretariat', 'acme', 'tenant'],
    ['engineer', 'acme', 'tenant'],
    ['tenant-operator', null, 'tenant'],
    ['tenant-viewer', 'nobody', 'tenant'],
    ['application', null, 'tenant'],
    ['root' as Role, null, 'role'],
    ['constructor' as Role, null, 'role'],
  ])('of role %s are refused for tenant %j', (role, tenant, path) => {
    const { registry } = openWithTenants()
    const error = refusal(
      () => registry.keys.create({ role, tenant, name: 'x' }),
      'REGISTRY_INVALID',
    )
    expect(error.path).toBe(path)
    expect(registry.keys.list()).toEqual([])
  })

  it('need a name', () => {
    const { registry } = openWithTenants()
    const act = () => registry.keys.create({ role: 'engineer', tenant: null, name: ' ' })
    expect(refusal(act, 'REGISTRY_INVALID').path).toBe('name')
  })

  it('of an application sign in to MQTT under the id of the tenant, no others do', () => {
    const { registry } = openWithTenants()
    const app = registry.keys.create({ role: 'application', tenant: 'acme', name: 'erp' })
    const operator = registry.keys.create({ role: 'tenant-operator', tenant: 'acme', name: 'o' })
    const admin = registry.keys.create({ role: 'admin', tenant: null, name: 'a' })
    const { credentials } = registry
    expect(credentials.authenticate('acme', app.key)).toEqual({
      type: 'application',
      id: app.id,
      tenant: 'acme',
    })
    for (const username of ['borg', 'acme.t1', '', 'Acme']) {
      expect(credentials.authenticate(username, app.key), username).toBeNull()
    }
    expect(credentials.authenticate('acme', operator.key)).toBeNull()
    expect(credentials.authenticate('acme', admin.key)).toBeNull()
    expect(credentials.authenticate('null', admin.key)).toBeNull()
  })

  it('that are deleted authenticate nobody from then on, and listeners learn whose connections it affects', () => {
    const { registry, changes, restart } = openWithTenants()
    const app = registry.keys.create({ role: 'application', tenant: 'acme', name: 'erp' })
    const viewer = registry.keys.create({ role: 'tenant-viewer', tenant: 'acme', name: 'v' })
    changes.length = 0
    registry.keys.delete(app.id)
    registry.keys.delete(viewer.id)
    expect(changes).toEqual([
      { table: 'keys', id: app.id, affects: { tenant: 'acme', device: null } },
      { table: 'keys', id: viewer.id, affects: null },
    ])
    expect(registry.keys.authenticate(app.key)).toBeNull()
    expect(registry.credentials.authenticate('acme', app.key)).toBeNull()
    refusal(() => registry.keys.delete(app.id), 'REGISTRY_MISSING')
    expect(restart().keys.authenticate(viewer.key)).toBeNull()
  })

  it('that are ensured exist once, also after a restart', () => {
    const { registry, changes, restart } = openWithTenants()
    const key = 'a-configured-admin-key'
    const first = registry.keys.ensure(key, ADMIN)
    expect(registry.keys.ensure(key, ADMIN)).toEqual(first)
    expect(restart().keys.ensure(key, ADMIN)).toEqual(first)
    expect(changes).toHaveLength(1)
    expect(registry.keys).toBeDefined()
  })

  it('a changed ensured key replaces the one before, and only that', () => {
    const { registry } = openWithTenants()
    const made = registry.keys.create({ ...ADMIN })
    const old = registry.keys.ensure('the-first-configured-key', ADMIN)
    registry.keys.ensure('the-second-configured-key', ADMIN)
    expect(registry.keys.authenticate('the-first-configured-key')).toBeNull()
    expect(registry.keys.authenticate('the-second-configured-key')).not.toBeNull()
    expect(registry.keys.authenticate(made.key)).not.toBeNull()
    expect(registry.keys.list().map(({ id }) => id)).not.toContain(old.id)
  })

  it('that are ensured must be long, and must not belong to another role', () => {
    const { registry } = openWithTenants()
    const short = refusal(() => registry.keys.ensure('short', ADMIN), 'REGISTRY_INVALID')
    expect(short.message).not.toContain('"short"')
    const viewer = registry.keys.create({ role: 'tenant-viewer', tenant: 'acme', name: 'v' })
    const taken = refusal(() => registry.keys.ensure(viewer.key, ADMIN), 'REGISTRY_CONFLICT')
    expect(taken.message).not.toContain(viewer.key)
  })
})
