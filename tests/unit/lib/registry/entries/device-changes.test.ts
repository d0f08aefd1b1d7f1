import { describe, expect, it } from 'vitest'
import { MAX_PAST_SETTINGS } from '#lib/registry/entries/device-checks.ts'
import { createDirectory } from '#lib/registry/topics/directory.ts'
import { addDevice, openWithTenants, refusal } from '../test-registry.ts'

const METER = 'acme.m1'

describe('a changed device', () => {
  it('keeps its credentials, its connections and its secrets', () => {
    const { registry, changes } = openWithTenants()
    addDevice(registry, METER, { kind: 'heat_meter', secrets: { aesKey: 'A', other: 'B' } })
    const { username, password } = registry.credentials.create(METER)
    changes.length = 0
    const patch = { name: 'New', secrets: { aesKey: 'C', other: null } }
    expect(registry.devices.update(METER, { patch })).toMatchObject({ secretNames: ['aesKey'] })
    expect(registry.credentials.authenticate(username, password)).not.toBeNull()
    expect(registry.secretOf(METER, 'aesKey')).toBe('C')
    expect(registry.secretOf(METER, 'other')).toBeNull()
    expect(changes).toEqual([{ table: 'devices', id: METER, affects: null }])
  })

  it('has its new topics at once, and its connections end', () => {
    const { registry, changes } = openWithTenants()
    addDevice(registry, 'acme.r1', { topics: ['a/#'] })
    addDevice(registry, 'acme.r2', { topics: ['b/#'] })
    const directory = createDirectory(registry)
    const account = registry.devices.get('acme.r1')
    const taken = () => registry.devices.update('acme.r1', { patch: { topics: ['a/b', 'b/c'] } })
    expect(refusal(taken, 'REGISTRY_CONFLICT').path).toBe('topics[1]')
    changes.length = 0
    registry.devices.update('acme.r1', { patch: { topics: ['a/b'] } })
    const own = { type: 'device', id: 'acme.r1', tenant: 'acme', device: account! } as const
    expect(directory.resolve(own, 'a/b')).toMatchObject({ device: 'acme.r1' })
    expect(directory.resolve(own, 'a/c')).toBeNull()
    expect(changes).toMatchObject([{ affects: { tenant: 'acme', device: 'acme.r1' } }])
  })

  it('is the same after a restart, with the settings it had before', () => {
    const { registry, restart } = openWithTenants()
    const settings = { role: 'handoff', meterId: '1' }
    addDevice(registry, METER, { kind: 'heat_meter', settings })
    const patch = { settings: { role: 'delivered', meterId: '2' } }
    const changed = registry.devices.update(METER, { patch, by: 'key' })
    expect(changed.past).toEqual([
      {
        validTo: '2026-11-24T12:00:00.123Z',
        changedAt: '2026-11-24T12:00:00.123Z',
        by: 'key',
        settings: { role: 'handoff' },
      },
    ])
    expect(restart().devices.get(METER)).toEqual(changed)
  })

  it('is refused beyond the limit of changes that figures rest on', () => {
    const { registry } = openWithTenants()
    addDevice(registry, METER, { kind: 'heat_meter' })
    const change = (maxPowerKw: number) =>
      registry.devices.update(METER, { patch: { settings: { maxPowerKw } } })
    for (let at = 1; at <= MAX_PAST_SETTINGS; at += 1) change(at)
    refusal(() => change(0.5), 'REGISTRY_CONFLICT')
    expect(registry.devices.get(METER)?.past).toHaveLength(MAX_PAST_SETTINGS)
  })

  it('must not take a prototype for a setting', () => {
    const { registry } = openWithTenants()
    addDevice(registry, METER, { kind: 'heat_meter' })
    const patch = JSON.parse('{"settings":{"__proto__":{"role":"handoff"}}}')
    const act = () => registry.devices.update(METER, { patch })
    expect(refusal(act, 'REGISTRY_INVALID').path).toBe('settings.__proto__')
  })
})
