import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { openRegistry } from '#lib/registry/open.ts'
import type { Registry, RegistryChange } from '#lib/registry/registry.ts'
import { temporaryDir } from '../../../../support/platform.ts'
import { waitFor } from '../../../../support/wait-for.ts'
import { FORMAT_LIST } from '../../../../../ingest/formats/catalogue.ts'

describe('a registry that two processes of one machine have open', () => {
  let dir: ReturnType<typeof temporaryDir>
  let here: Registry
  let there: Registry
  let told: RegistryChange[]

  const open = (pollMs?: number) =>
    openRegistry({
      path: `${dir.path}/registry.db`,
      clock: systemClock,
      log: createLog('silent'),
      credentialOverlapHours: 1,
      formats: FORMAT_LIST,
      ...(pollMs === undefined ? {} : { pollMs }),
    })

  beforeEach(() => {
    dir = temporaryDir('two-registries')
    here = open()
    there = open(5)
    told = []
    there.onChange((change) => told.push(change))
  })
  afterEach(() => {
    here.close()
    there.close()
    dir.remove()
  })

  /** What the other one is told of what this one does. */
  async function toldOf(change: () => void): Promise<RegistryChange[]> {
    const own: RegistryChange[] = []
    here.onChange((one) => own.push(one))
    told = []
    change()
    await waitFor(() => told.length >= own.length)
    return told
  }

  it('shows a change of one process in the other, with the same notification', async () => {
    const all = await toldOf(() => {
      here.tenants.create({ id: 'acme', name: 'Acme' })
      here.sites.create({ id: 's1', tenant: 'acme', name: 'S', position: null, outline: null })
      here.devices.create({ id: 't1', tenant: 'acme', kind: 'truck', secrets: { aesKey: 'AB' } })
      here.keys.create({ role: 'tenant-viewer', tenant: 'acme', name: 'viewer' })
    })
    expect(all.map(({ table, affects }) => [table, affects])).toEqual([
      ['tenants', null],
      ['sites', null],
      ['devices', null],
      ['keys', null],
    ])
    expect(there.devices.list()).toEqual(here.devices.list())
    expect(there.sites.list()).toEqual(here.sites.list())
    expect(there.keys.list()).toEqual(here.keys.list())
    const { username, password } = here.credentials.create('acme.t1')
    await waitFor(() => there.credentials.authenticate(username, password))
  })

  it('reports whom a revoked credential and a deleted device, key or tenant affect', async () => {
    here.tenants.create({ id: 'acme', name: 'Acme' })
    here.devices.create({ id: 't1', tenant: 'acme', kind: 'truck', topics: ['a/1/#'] })
    const key = here.keys.create({ role: 'application', tenant: 'acme', name: 'app' })
    const { id, username, password } = here.credentials.create('acme.t1')
    await waitFor(() => there.credentials.authenticate(username, password))

    const device = { tenant: 'acme', device: 'acme.t1' }
    const tenant = { tenant: 'acme', device: null }
    expect(await toldOf(() => here.credentials.delete(id))).toEqual([
      { table: 'credentials', id, affects: device },
    ])
    expect(there.credentials.authenticate(username, password)).toBeNull()
    expect(await toldOf(() => here.devices.delete('acme.t1'))).toEqual([
      { table: 'devices', id: 'acme.t1', affects: device },
    ])
    expect(there.devices.get('acme.t1')).toBeNull()
    expect(await toldOf(() => here.keys.delete(key.id))).toEqual([
      { table: 'keys', id: key.id, affects: tenant },
    ])
    expect(there.keys.authenticate(key.key)).toBeNull()
    expect(await toldOf(() => here.tenants.delete('acme'))).toEqual([
      { table: 'tenants', id: 'acme', affects: tenant },
    ])
    // The topics of the deleted device are free again.
    here.tenants.create({ id: 'acme', name: 'Acme' })
    const again = { id: 't2', tenant: 'acme', kind: 'truck', topics: ['a/1/#'] } as const
    expect(there.devices.create(again).id).toBe('acme.t2')
  })

  it('reports that a device which was deleted and created again loses its connections', async () => {
    here.tenants.create({ id: 'acme', name: 'Acme' })
    here.devices.create({ id: 't1', tenant: 'acme', kind: 'truck' })
    here.credentials.create('acme.t1')
    await waitFor(() => there.devices.get('acme.t1'))
    told = []
    here.devices.delete('acme.t1')
    here.devices.create({ id: 't1', tenant: 'acme', kind: 'robot' })
    await waitFor(() => there.devices.get('acme.t1')?.kind === 'robot')
    const affects = { tenant: 'acme', device: 'acme.t1' }
    expect(told).toContainEqual({ table: 'devices', id: 'acme.t1', affects })
    expect(there.credentials.list('acme.t1')).toEqual([])
  })

  it('checks a change against what the other process has just written', () => {
    const quiet = open()
    here.tenants.create({ id: 'acme', name: 'Acme' })
    expect(() => quiet.tenants.create({ id: 'acme', name: 'Again' })).toThrow(/exists already/)
    here.devices.create({ id: 't1', tenant: 'acme', kind: 'truck', topics: ['a/#'] })
    const overlapping = { id: 't2', tenant: 'acme', kind: 'truck', topics: ['a/b'] } as const
    expect(() => quiet.devices.create(overlapping)).toThrow(/topics/)
    expect(() => quiet.tenants.delete('acme')).toThrow(/still has 1 devices/)
    quiet.close()
  })

  it('stops polling when it is closed', async () => {
    there.close()
    here.tenants.create({ id: 'acme', name: 'Acme' })
    const third = open(5)
    third.onChange((change) => told.push(change))
    here.tenants.create({ id: 'beta', name: 'Beta' })
    await waitFor(() => told.length > 0)
    expect(told.map(({ id }) => id)).toEqual(['beta'])
    third.close()
  })
})
