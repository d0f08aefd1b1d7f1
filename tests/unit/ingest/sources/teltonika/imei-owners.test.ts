import { describe, expect, it } from 'vitest'
import type { Device, RegistryChange } from '#lib/registry/registry.ts'
import { ImeiOwners } from '../../../../../ingest/sources/teltonika/imei-owners.ts'
import { truckOf } from '../../../../support/messages.ts'

describe('the owner of an IMEI', () => {
  const devices: Device[] = []
  const listeners: ((change: RegistryChange) => void)[] = []
  let changes = 0
  const registry = {
    devices: { list: () => devices },
    onChange: (listener: (change: RegistryChange) => void) => void listeners.push(listener),
  }
  const owners = new ImeiOwners(registry, () => {
    changes += 1
  })
  const put = (...now: Device[]) => {
    devices.splice(0, devices.length, ...now)
    for (const listener of listeners) listener({ table: 'devices', id: null, affects: null })
  }
  const tracker = (id: string, imei: unknown): Device => ({
    ...truckOf(id),
    format: 'teltonika-codec8',
    settings: { imei },
  })

  it('is the one device of the format that has it, as text or as number', () => {
    put(tracker('acme.t1', '356307042441013'), tracker('acme.t2', 356307042441014))
    expect(owners.ownerOf('356307042441013')).toEqual({ device: 'acme.t1' })
    expect(owners.ownerOf('356307042441014')).toEqual({ device: 'acme.t2' })
  })

  it('is unknown where no device or two devices have it, with what to do', () => {
    const other = { ...tracker('acme.t3', '356307042441015'), format: 'native' }
    put(tracker('acme.t1', '356307042441013'), tracker('bolt.t1', '356307042441013'), other)
    expect(owners.ownerOf('356307042441013')).toMatchObject({ reason: 'ambiguous_imei' })
    expect(owners.ownerOf('356307042441015')).toMatchObject({ reason: 'unknown_imei' })
    put()
    expect(owners.ownerOf('356307042441013')).toMatchObject({ reason: 'unknown_imei' })
  })

  it('is reported as changed when devices change', () => {
    const before = changes
    put()
    expect(changes).toBe(before + 1)
  })
})
