import { describe, expect, it } from 'vitest'
import { addDevice, openWithTenants, refusal } from '../test-registry.ts'

const circle: Record<string, unknown> = {}
circle['self'] = circle

/** Path of the faulty field, and what was given (also what a caller without types may send). */
const REFUSED: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['id', { id: 'a.b' }],
  ['tenant', { tenant: 'nobody' }],
  ['tenant', { tenant: null }],
  ['kind', { kind: 'lorry' }],
  ['kind', { kind: 'constructor' }],
  ['kind', { kind: undefined }],
  ['gateway', { gateway: true }],
  ['gateway', { kind: 'gateway', gateway: false }],
  ['name', { name: '' }],
  ['name', { name: null }],
  ['format', { format: 'csv' }],
  ['format', { format: null }],
  ['site', { site: 'nowhere' }],
  ['site', { site: 'borg-yard' }],
  ['settings', { settings: [] }],
  ['settings', { settings: 'x' }],
  ['settings', { settings: circle }],
  ['settings', { settings: { big: 1n } }],
  ['settings', { settings: { text: 'x'.repeat(20_000) } }],
  ['settings', { settings: new Date(0) }],
  ['settings.gateway', { settings: { gateway: 'acme.gw' } }],
  ['settings.gateway', { settings: { gateway: 7 } }],
  ['secrets', { secrets: [] }],
  ['secrets', { secrets: { 'a b': 'x' } }],
  [
    'secrets',
    { secrets: Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`a${at}`, 'x'])) },
  ],
  ['secrets.aesKey', { secrets: { aesKey: '' } }],
  ['secrets.aesKey', { secrets: { aesKey: 7 } }],
  ['secrets.aesKey', { secrets: { aesKey: 'x'.repeat(5000) } }],
  ['secrets.aesKey', { secrets: { aesKey: '\uDC00' } }],
  ['topics', { topics: 'a/b' }],
  ['topics', { topics: null }],
  ['topics', { topics: Array.from({ length: 17 }, (_, at) => `a/${at}`) }],
  ['topics[1]', { topics: ['a/b', ''] }],
  ['topics[1]', { topics: ['a/b', 'a/#/b'] }],
  ['topics[0]', { topics: ['a/b#'] }],
  ['topics[0]', { topics: ['a+/b'] }],
  ['topics[0]', { topics: ['a\u0000b'] }],
  ['topics[0]', { topics: ['a\uD800b'] }],
  ['topics[0]', { topics: [7] }],
  ['topics[0]', { topics: ['x'.repeat(513)] }],
  ['topics[0]', { topics: ['$SYS/#'] }],
  ['topics[0]', { topics: ['$share/g/a/b'] }],
  ['topics[0]', { topics: ['a/$b'] }],
  ['topics[0]', { topics: ['#'] }],
  ['topics[0]', { topics: ['+/#'] }],
  ['topics[0]', { topics: ['+/v1/#'] }],
  ['topics[0]', { topics: ['+/+/acme/t1/telemetry'] }],
  ['topics[0]', { topics: ['padborg/v1/acme/t1/telemetry'] }],
  ['topics[0]', { topics: ['padborg/v1/borg/#'] }],
  ['topics[0]', { topics: ['padborg'] }],
]

describe('a device is refused with the path of its faulty field', () => {
  it('whatever the field', () => {
    const { registry, changes } = openWithTenants()
    registry.sites.create({
      id: 'borg-yard',
      tenant: 'borg',
      name: 'Yard',
      position: null,
      outline: null,
    })
    changes.length = 0
    for (const [path, fault] of REFUSED) {
      const given = { id: 't1', tenant: 'acme', kind: 'truck', ...fault } as never
      const error = refusal(() => registry.devices.create(given), 'REGISTRY_INVALID')
      expect(error.path, error.message).toBe(path)
      expect(error.message).toMatch(/^\S+: expected .+, got .+; .+/)
      expect(error.message.length).toBeLessThan(300)
    }
    expect(registry.devices.list()).toEqual([])
    expect(changes).toEqual([])
  })

  it('never with the secret that came', () => {
    const { registry } = openWithTenants()
    const secrets = { aesKey: `TOP-SECRET${'x'.repeat(5000)}` }
    const error = refusal(() => addDevice(registry, 'acme.t1', { secrets }), 'REGISTRY_INVALID')
    expect(error.message).not.toContain('TOP-SECRET')
  })
})

describe('the topics of two devices of one tenant', () => {
  it.each([
    ['uagv/v2/KIT/1/#', 'uagv/v2/KIT/1/#'],
    ['uagv/v2/KIT/1/#', 'uagv/v2/KIT/1/state'],
    ['uagv/v2/KIT/1/state', 'uagv/v2/KIT/+/state'],
    ['uagv/v2/+/1/state', 'uagv/v2/KIT/+/state'],
    ['uagv/v2/KIT/1/#', 'uagv/v2/KIT/1'],
    ['a/+', 'a/#'],
  ])('may not overlap: %s and %s', (first, second) => {
    const { registry } = openWithTenants()
    for (const [one, other] of [
      [first, second],
      [second, first],
    ]) {
      for (const { id } of registry.devices.list()) registry.devices.delete(id)
      addDevice(registry, 'acme.r1', { topics: [one ?? ''] })
      const act = () => addDevice(registry, 'acme.r2', { topics: ['own/topic', other ?? ''] })
      const error = refusal(act, 'REGISTRY_CONFLICT')
      expect(error.path).toBe('topics[1]')
      expect(error.message).toContain(`"${one}" of device acme.r1`)
      expect(registry.devices.get('acme.r2')).toBeNull()
      // Another tenant may use the same foreign topics.
      addDevice(registry, 'borg.r2', { topics: [other ?? ''] })
    }
  })

  it('may be siblings, and may overlap within one device', () => {
    const { registry } = openWithTenants()
    addDevice(registry, 'acme.r1', { topics: ['uagv/v2/KIT/1/#', 'uagv/v2/KIT/1/state'] })
    addDevice(registry, 'acme.r2', { topics: ['uagv/v2/KIT/2/#', 'a/+/c', '/', 'a//b'] })
    addDevice(registry, 'acme.r3', { topics: ['a/+', 'a/+/c/d', '+'] })
    expect(registry.devices.list()).toHaveLength(3)
  })
})
