import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDirectory } from '#lib/registry/topics/directory.ts'
import { openRegistry } from '#lib/registry/open.ts'
import type { NewDevice, Registry } from '#lib/registry/registry.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import {
  ambiguityLine,
  ambiguousPatterns,
} from '../../../../../../ingest/sources/mqtt/messages/ambiguous-patterns.ts'
import { Owners } from '../../../../../../ingest/sources/mqtt/messages/owners.ts'
import { temporaryDir } from '../../../../../support/platform.ts'
import { FORMAT_LIST } from '../../../../../../ingest/formats/catalogue.ts'

describe('owners of topics behind a foreign broker', () => {
  let dir: ReturnType<typeof temporaryDir>
  let registry: Registry
  let owners: Owners

  beforeEach(() => {
    dir = temporaryDir('owners')
    registry = openRegistry({
      path: join(dir.path, 'registry.db'),
      clock: systemClock,
      log: createLog('error'),
      credentialOverlapHours: 1,
      formats: FORMAT_LIST,
    })
    for (const id of ['acme', 'other', 'third']) registry.tenants.create({ id, name: id })
    add('acme', 't1')
    add('acme', 'r1', { kind: 'robot', format: 'vda5050', topics: ['uagv/v2/KIT/0001/#'] })
    owners = new Owners(registry, createDirectory(registry))
  })

  afterEach(() => {
    registry.close()
    dir.remove()
  })

  function add(tenant: string, id: string, more: Partial<NewDevice> = {}) {
    registry.devices.create({ id, tenant, kind: 'truck', ...more })
  }

  it.each([
    ['padborg/v1/acme/t1/telemetry', 'intake', 'acme.t1'],
    ['padborg/v1/acme/t1/status', 'intake', 'acme.t1'],
    ['padborg/v1/acme/t1/vda5050', 'intake', 'acme.t1'],
    ['padborg/v1/acme/t1/clock/request', 'clock', 'acme.t1'],
    ['padborg/v1/acme/t1/probe/request', 'probe', 'acme.t1'],
    ['padborg/v1/acme/t1/clock/response', 'own', 'acme.t1'],
    ['padborg/v1/acme/t1/errors', 'own', 'acme.t1'],
    ['padborg/v1/acme/t1/set/speed', 'command', 'acme.t1'],
    ['padborg/v1/acme/t9/telemetry', 'unknown', 'acme.t9'],
    ['padborg/v1/none/t1/telemetry', 'unknown', 'none.t1'],
    ['padborg/v1/acme', 'unknown', ''],
    ['uagv/v2/KIT/0001/state', 'intake', 'acme.r1'],
    ['uagv/v2/KIT/0001/instantActions', 'command', 'acme.r1'],
    ['uagv/v2/KIT/0002/state', 'unknown', ''],
    ['$SYS/broker/uptime', 'unknown', ''],
  ])('%s: %s of %s', (topic, role, device) => {
    expect(owners.ownerOf(topic)).toEqual({ role, device, rivals: [] })
  })

  it('change with the registry', () => {
    expect(owners.ownerOf('padborg/v1/new/n1/telemetry').role).toBe('unknown')
    registry.tenants.create({ id: 'new', name: 'new' })
    add('new', 'n1')
    expect(owners.ownerOf('padborg/v1/new/n1/telemetry').role).toBe('intake')
    registry.devices.delete('new.n1')
    expect(owners.ownerOf('padborg/v1/new/n1/telemetry').role).toBe('unknown')
  })

  it('are unknown where two tenants share a topic, and --check can name the patterns', () => {
    expect(ambiguousPatterns(registry)).toEqual([])
    add('other', 'r2', { kind: 'robot', format: 'vda5050', topics: ['uagv/+/KIT/0001/state'] })
    add('third', 'w1', { kind: 'heat_meter', format: 'wmbusmeters', topics: ['wmbusmeters/w1'] })
    expect(owners.ownerOf('uagv/v2/KIT/0001/state')).toEqual({
      role: 'unknown',
      device: '',
      rivals: ['acme.r1', 'other.r2'],
    })
    expect(owners.ownerOf('uagv/v2/KIT/0001/connection').device).toBe('acme.r1')
    const [found, ...more] = ambiguousPatterns(registry)
    expect(more).toEqual([])
    expect(found).toEqual({
      device: 'other.r2',
      pattern: 'uagv/+/KIT/0001/state',
      otherDevice: 'acme.r1',
      otherPattern: 'uagv/v2/KIT/0001/#',
    })
    expect(found && ambiguityLine(found)).toMatch(
      /^devices acme.r1 and other.r2: expected .*unknown_device/,
    )
  })

  it('name only so many devices that do not exist', () => {
    for (let n = 0; n < 10_000; n += 1) owners.ownerOf(`padborg/v1/acme/ghost${n}/telemetry`)
    expect(owners.ownerOf('padborg/v1/acme/one-more/telemetry').device).toBe('')
    expect(owners.ownerOf('padborg/v1/acme/ghost7/telemetry').device).toBe('acme.ghost7')
  })
})
