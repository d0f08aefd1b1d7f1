import { describe, expect, it } from 'vitest'
import { NO_HASH, hashSecret, isSameHash } from '#lib/registry/entries/secrets.ts'
import {
  HOUR_MS,
  OVERLAP_HOURS,
  addDevice,
  openTestRegistry,
  openWithTenants,
  refusal,
} from '../test-registry.ts'

function openWithDevice() {
  const opened = openWithTenants()
  addDevice(opened.registry, 'acme.t1')
  opened.changes.length = 0
  return opened
}

describe('hashes of secrets', () => {
  it('are equal exactly for equal secrets, and can be compared at any length', () => {
    const hash = hashSecret('pbd_secret')
    expect(hash).toHaveLength(32)
    expect(isSameHash(hash, hashSecret('pbd_secret'))).toBe(true)
    for (const other of [hashSecret('pbd_secreT'), NO_HASH, hash.subarray(1), new Uint8Array()]) {
      expect(isSameHash(hash, other)).toBe(false)
      expect(isSameHash(other, hash)).toBe(false)
    }
  })
})

describe('the credentials of a device', () => {
  it('are generated, shown once and sign the device in', () => {
    const { registry, changes } = openWithDevice()
    const made = registry.credentials.create('acme.t1')
    expect(made).toEqual({
      id: made.id,
      device: 'acme.t1',
      username: 'acme.t1',
      password: made.password,
      validFrom: '2026-11-24T12:00:00.123Z',
      validTo: null,
    })
    expect(Buffer.from(made.password.replace('pbd_', ''), 'base64url').length * 8).toBe(192)
    expect(registry.credentials.create('acme.t1').password).not.toBe(made.password)
    expect(changes[0]).toEqual({ table: 'credentials', id: made.id, affects: null })
    expect(registry.credentials.authenticate('acme.t1', made.password)).toEqual({
      type: 'device',
      id: 'acme.t1',
      tenant: 'acme',
      device: registry.devices.get('acme.t1'),
    })
    const listed = registry.credentials.list('acme.t1')
    expect(listed).toHaveLength(2)
    for (const one of listed) {
      expect(Object.keys(one).toSorted()).toEqual(['device', 'id', 'validFrom', 'validTo'])
    }
  })

  it('sign in no other device, and none without the whole password', () => {
    const { registry } = openWithDevice()
    addDevice(registry, 'borg.t1')
    const { password } = registry.credentials.create('acme.t1')
    registry.credentials.create('borg.t1')
    for (const [username, given] of [
      ['borg.t1', password],
      ['acme', password],
      ['t1', password],
      ['ACME.T1', password],
      ['acme.t1 ', password],
      ['acme.nobody', password],
      ['', password],
      ['constructor', password],
      ['acme.t1', ''],
      ['acme.t1', password.slice(0, -1)],
      ['acme.t1', `${password} `],
      ['acme.t1', password.toLowerCase()],
    ]) {
      expect(registry.credentials.authenticate(username ?? '', given ?? ''), username).toBeNull()
    }
  })

  it('old and new are valid together for the overlap, then only the new', () => {
    const { registry, clock, restart, changes } = openWithDevice()
    const old = registry.credentials.create('acme.t1')
    clock.turnMs(24 * HOUR_MS)
    changes.length = 0
    const fresh = registry.credentials.create('acme.t1')
    expect(changes).toEqual([{ table: 'credentials', id: fresh.id, affects: null }])
    const accepts = (password: string, at = registry) =>
      at.credentials.authenticate('acme.t1', password) !== null
    expect([accepts(old.password), accepts(fresh.password)]).toEqual([true, true])
    expect(registry.credentials.list('acme.t1').map(({ validTo }) => validTo)).toEqual([
      '2026-11-25T14:00:00.123Z',
      null,
    ])
    clock.turnMs(OVERLAP_HOURS * HOUR_MS - 1)
    expect(accepts(old.password)).toBe(true)
    clock.turnMs(1)
    expect([accepts(old.password), accepts(fresh.password)]).toEqual([false, true])
    const reopened = restart()
    expect(accepts(old.password, reopened)).toBe(false)
    expect(accepts(fresh.password, reopened)).toBe(true)
  })

  it('a new one never lengthens an older one', () => {
    const { registry, clock } = openWithDevice()
    const soon = '2026-11-24T12:30:00Z'
    const short = registry.credentials.create('acme.t1', { validTo: soon })
    registry.credentials.create('acme.t1')
    expect(registry.credentials.list('acme.t1')[0]?.validTo).toBe('2026-11-24T12:30:00.000Z')
    clock.turnMs(HOUR_MS)
    expect(registry.credentials.authenticate('acme.t1', short.password)).toBeNull()
  })

  it('without an overlap the old one ends at once, and listeners learn whose connections it affects', () => {
    const { registry, changes } = openTestRegistry(0)
    registry.tenants.create({ id: 'acme', name: 'Acme' })
    addDevice(registry, 'acme.t1')
    const old = registry.credentials.create('acme.t1')
    changes.length = 0
    const fresh = registry.credentials.create('acme.t1')
    expect(registry.credentials.authenticate('acme.t1', old.password)).toBeNull()
    expect(changes).toEqual([
      { table: 'credentials', id: fresh.id, affects: { tenant: 'acme', device: 'acme.t1' } },
    ])
  })

  it('that ended long ago are deleted without affecting the device', () => {
    const { registry, clock, changes } = openWithDevice()
    registry.credentials.create('acme.t1')
    registry.credentials.create('acme.t1')
    clock.turnMs(OVERLAP_HOURS * HOUR_MS)
    changes.length = 0
    const third = registry.credentials.create('acme.t1')
    expect(registry.credentials.list('acme.t1')).toHaveLength(2)
    expect(changes).toEqual([{ table: 'credentials', id: third.id, affects: null }])
  })

  it('end at validTo, in any zone', () => {
    const { registry, clock } = openWithDevice()
    const made = registry.credentials.create('acme.t1', { validTo: '2026-11-24T14:00:00+01:00' })
    expect(made.validTo).toBe('2026-11-24T13:00:00.000Z')
    clock.turnMs(HOUR_MS - 124)
    expect(registry.credentials.authenticate('acme.t1', made.password)).not.toBeNull()
    clock.turnMs(1)
    expect(registry.credentials.authenticate('acme.t1', made.password)).toBeNull()
  })

  it.each(['2026-11-24T12:00:00.123Z', '2020-01-01T00:00:00Z', '2030-01-01', 'soon', '', 5])(
    'are refused with the end %j',
    (validTo) => {
      const { registry } = openWithDevice()
      const act = () => registry.credentials.create('acme.t1', { validTo: validTo as string })
      expect(refusal(act, 'REGISTRY_INVALID').path).toBe('validTo')
      expect(registry.credentials.list('acme.t1')).toEqual([])
    },
  )

  it('that are revoked sign nobody in from then on', () => {
    const { registry, changes, restart } = openWithDevice()
    const one = registry.credentials.create('acme.t1')
    const other = registry.credentials.create('acme.t1')
    changes.length = 0
    registry.credentials.delete(one.id)
    expect(changes).toEqual([
      { table: 'credentials', id: one.id, affects: { tenant: 'acme', device: 'acme.t1' } },
    ])
    expect(registry.credentials.authenticate('acme.t1', one.password)).toBeNull()
    expect(registry.credentials.authenticate('acme.t1', other.password)).not.toBeNull()
    refusal(() => registry.credentials.delete(one.id), 'REGISTRY_MISSING')
    expect(restart().credentials.authenticate('acme.t1', one.password)).toBeNull()
  })

  it('need a device', () => {
    const { registry } = openWithDevice()
    refusal(() => registry.credentials.create('acme.nobody'), 'REGISTRY_MISSING')
    refusal(() => registry.credentials.list('acme.nobody'), 'REGISTRY_MISSING')
    refusal(() => registry.credentials.delete('no-such-id'), 'REGISTRY_MISSING')
  })

  it('are at most 32; the oldest is removed, and listeners learn whose connections it affects', () => {
    const { registry, changes } = openWithDevice()
    const made = Array.from({ length: 33 }, () => registry.credentials.create('acme.t1'))
    expect(registry.credentials.list('acme.t1')).toHaveLength(32)
    expect(registry.credentials.authenticate('acme.t1', made[0]?.password ?? '')).toBeNull()
    expect(registry.credentials.authenticate('acme.t1', made[1]?.password ?? '')).not.toBeNull()
    expect(changes.at(-1)?.affects).toEqual({ tenant: 'acme', device: 'acme.t1' })
    expect(changes.at(-2)?.affects).toBeNull()
  })
})
