import { describe, expect, it } from 'vitest'
import { createDirectory } from '#lib/registry/topics/directory.ts'
import type { Account, Registry } from '#lib/registry/registry.ts'
import { addDevice, openWithTenants } from '../test-registry.ts'

/** Two tenants with the same foreign topics, a robot, a tracker, a gateway and what it carries. */
function openFleet() {
  const opened = openWithTenants()
  const { registry } = opened
  for (const tenant of ['acme', 'borg']) {
    const robot = { kind: 'robot', format: 'vda5050', topics: ['uagv/v2/KIT/0001/#'] } as const
    addDevice(registry, `${tenant}.r1`, robot)
    addDevice(registry, `${tenant}.t1`, { format: 'owntracks', topics: ['owntracks/+/t1'] })
  }
  addDevice(registry, 'acme.gw', { kind: 'gateway' })
  const carried = { kind: 'heat_meter', settings: { gateway: 'gw' } } as const
  addDevice(registry, 'acme.m1', { ...carried, topics: ['wmbusmeters/m1'] })
  addDevice(registry, 'acme.m2', { kind: 'heat_meter', topics: ['wmbusmeters/m2'] })
  addDevice(registry, 'borg.m3', { ...carried, topics: ['wmbusmeters/m1'] })
  return { ...opened, directory: createDirectory(registry) }
}

function deviceAccount(registry: Registry, id: string): Account {
  const device = registry.devices.get(id)
  if (!device) throw new Error(`no device ${id}`)
  return { type: 'device', id, tenant: device.tenant, device }
}

function accountOf(registry: Registry, who: string): Account {
  return who.includes('.')
    ? deviceAccount(registry, who)
    : { type: 'application', id: `key-of-${who}`, tenant: who }
}

/** Who publishes where, and what becomes of it: role and device, or null for refused. */
const PUBLISHES: readonly (readonly [string, string, string | null])[] = [
  ['acme.t1', 'padborg/v1/acme/t1/telemetry', 'intake acme.t1'],
  ['acme.t1', 'padborg/v1/acme/t1/status', 'intake acme.t1'],
  ['acme.t1', 'padborg/v1/acme/t1/senml', 'intake acme.t1'],
  ['acme.t1', 'padborg/v1/acme/t1/clock/request', 'clock acme.t1'],
  ['acme.t1', 'padborg/v1/acme/t1/probe/request', 'probe acme.t1'],
  ['acme.t1', 'padborg/v1/acme/t1/clock/response', null],
  ['acme.t1', 'padborg/v1/acme/t1/errors', null],
  ['acme.t1', 'padborg/v1/acme/t1/anything', null],
  ['acme.t1', 'padborg/v1/acme/t1/telemetry/x', null],
  ['acme.t1', 'padborg/v1/acme/t1/', null],
  ['acme.t1', 'padborg/v1/acme/t1', null],
  ['acme.t1', 'padborg/v1/acme/r1/telemetry', null],
  ['acme.t1', 'padborg/v1/borg/t1/telemetry', null],
  ['acme.t1', 'padborg/v2/acme/t1/telemetry', null],
  ['acme.t1', 'padborg', null],
  ['acme.t1', 'owntracks/user/t1', 'intake acme.t1'],
  ['acme.t1', 'owntracks/user/t1/x', null],
  ['acme.t1', 'uagv/v2/KIT/0001/state', null],
  ['acme.t1', '$SYS/uptime', null],
  ['acme.t1', 'owntracks/#', null],
  ['acme.t1', 'owntracks/+/t1', null],
  ['acme.t1', '', null],
  ['acme.r1', 'uagv/v2/KIT/0001/state', 'intake acme.r1'],
  ['acme.r1', 'uagv/v2/KIT/0001', 'intake acme.r1'],
  ['acme.r1', 'uagv/v2/KIT/0001/order', null],
  ['acme.r1', 'uagv/v2/KIT/0001/instantActions', null],
  ['acme.r1', 'uagv/v2/KIT/0002/state', null],
  ['borg.r1', 'uagv/v2/KIT/0001/state', 'intake borg.r1'],
  ['acme', 'uagv/v2/KIT/0001/order', 'command acme.r1'],
  ['acme', 'uagv/v2/KIT/0001/instantActions', 'command acme.r1'],
  ['acme', 'uagv/v2/KIT/0001/instantAction', 'command acme.r1'],
  ['acme', 'uagv/v2/KIT/0001/Order', 'command acme.r1'],
  ['acme', 'uagv/v2/KIT/0001', 'command acme.r1'],
  ['acme', 'uagv/v2/KIT/0001/state', 'intake acme.r1'],
  ['acme.r1', 'uagv/v2/KIT/0001/instantAction', null],
  ['acme.r1', 'uagv/v2/KIT/0001/log', 'intake acme.r1'],
  ['borg', 'uagv/v2/KIT/0001/order', 'command borg.r1'],
  ['acme', 'padborg/v1/acme/t1/telemetry', 'intake acme.t1'],
  ['acme', 'padborg/v1/acme/t1/command/stop', 'command acme.t1'],
  ['acme', 'padborg/v1/acme/t1/errors', 'command acme.t1'],
  ['acme', 'padborg/v1/acme/nobody/telemetry', null],
  ['acme', 'padborg/v1/borg/t1/telemetry', null],
  ['acme', 'somewhere/else', null],
  ['acme', '$SYS/uptime', null],
  ['acme.gw', 'padborg/v1/acme/gw/status', 'intake acme.gw'],
  ['acme.gw', 'padborg/v1/acme/m1/telemetry', 'intake acme.m1'],
  ['acme.gw', 'padborg/v1/acme/m1/clock/request', 'clock acme.m1'],
  ['acme.gw', 'wmbusmeters/m1', 'intake acme.m1'],
  ['acme.gw', 'padborg/v1/acme/m2/telemetry', null],
  ['acme.gw', 'wmbusmeters/m2', null],
  ['acme.gw', 'padborg/v1/borg/m3/telemetry', null],
  ['acme.m1', 'padborg/v1/acme/gw/status', null],
  ['acme.t1', 'padborg/v1/acme/m1/telemetry', null],
]

const SUBSCRIBES: readonly (readonly [string, string, boolean])[] = [
  ['acme.t1', 'padborg/v1/acme/t1/#', true],
  ['acme.t1', 'padborg/v1/acme/t1/errors', true],
  ['acme.t1', 'padborg/v1/acme/t1/+/response', true],
  ['acme.t1', 'owntracks/+/t1', true],
  ['acme.t1', 'owntracks/user/t1', true],
  ['acme.t1', 'owntracks/+/t1/#', false],
  ['acme.t1', 'owntracks/#', false],
  ['acme.t1', 'padborg/v1/acme/+/errors', false],
  ['acme.t1', 'padborg/v1/+/t1/errors', false],
  ['acme.t1', 'padborg/v1/acme/#', false],
  ['acme.t1', 'padborg/v1/acme/t1', true],
  ['acme.t1', 'padborg/v1/borg/t1/errors', false],
  ['acme.t1', '#', false],
  ['acme.t1', '+/#', false],
  ['acme.t1', '$SYS/#', false],
  ['acme.t1', '$share/g/padborg/v1/acme/t1/#', false],
  ['acme.t1', '', false],
  ['acme.t1', 'padborg/v1/acme/t1/#/x', false],
  ['acme.r1', 'uagv/v2/KIT/0001/order', true],
  ['acme.r1', 'uagv/v2/KIT/0001/#', true],
  ['acme.r1', 'uagv/v2/KIT/#', false],
  ['acme', 'padborg/v1/acme/#', true],
  ['acme', 'padborg/v1/acme/+/telemetry', true],
  ['acme', 'uagv/v2/KIT/0001/+', true],
  ['acme', 'owntracks/+/t1', true],
  ['acme', 'padborg/v1/#', false],
  ['acme', 'padborg/v1/+/t1/telemetry', false],
  ['acme', 'uagv/v2/#', false],
  ['acme', '#', false],
  ['acme', '$SYS/#', false],
  ['acme.gw', 'padborg/v1/acme/m1/errors', true],
  ['acme.gw', 'wmbusmeters/m1', true],
  ['acme.gw', 'padborg/v1/acme/+/errors', false],
  ['acme.gw', 'padborg/v1/acme/m2/errors', false],
  ['acme.gw', 'padborg/v1/borg/m3/errors', false],
  ['acme.gw', 'wmbusmeters/+', false],
  ['acme.m1', 'padborg/v1/acme/gw/errors', false],
]

describe('the directory', () => {
  it('says who may publish where, and whose message it is', () => {
    const { registry, directory } = openFleet()
    const told = PUBLISHES.map(([who, topic]) => {
      const route = directory.resolve(accountOf(registry, who), topic)
      return [who, topic, route && `${route.role} ${route.device}`]
    })
    expect(told).toEqual(PUBLISHES)
    // The second answer comes from the cache.
    for (const [who, topic, answer] of PUBLISHES) {
      const account = accountOf(registry, who)
      const first = directory.resolve(account, topic)
      expect(directory.resolve(account, topic)).toBe(first)
      expect(first === null).toBe(answer === null)
    }
  })

  it('says who may subscribe to what', () => {
    const { registry, directory } = openFleet()
    expect(
      SUBSCRIBES.map(([who, filter]) => [
        who,
        filter,
        directory.mayRead(accountOf(registry, who), filter),
      ]),
    ).toEqual(SUBSCRIBES)
  })

  it('follows when a device is created, changes its owner or is deleted', () => {
    const { registry, directory } = openFleet()
    const topic = 'uagv/v2/KIT/0001/state'
    const robot = deviceAccount(registry, 'acme.r1')
    const app = accountOf(registry, 'acme')
    expect(directory.resolve(robot, topic)?.device).toBe('acme.r1')
    expect(directory.resolve(app, topic)?.device).toBe('acme.r1')
    registry.devices.delete('acme.r1')
    expect(directory.resolve(robot, topic)).toBeNull()
    expect(directory.resolve(robot, 'padborg/v1/acme/r1/telemetry')).toBeNull()
    expect(directory.resolve(app, topic)).toBeNull()
    expect(directory.mayRead(robot, 'padborg/v1/acme/r1/errors')).toBe(false)
    expect(directory.mayRead(robot, topic)).toBe(false)
    expect(directory.mayRead(app, topic)).toBe(false)
    addDevice(registry, 'acme.r2', { kind: 'robot', format: 'vda5050', topics: [topic] })
    expect(directory.resolve(app, topic)?.device).toBe('acme.r2')
    expect(directory.resolve(deviceAccount(registry, 'acme.r2'), topic)?.device).toBe('acme.r2')
    expect(directory.resolve(robot, topic)).toBeNull()
  })

  it('revokes the rights of a gateway on its meter when the gateway is deleted', () => {
    const { registry, directory } = openFleet()
    const gateway = deviceAccount(registry, 'acme.gw')
    expect(directory.resolve(gateway, 'wmbusmeters/m1')).not.toBeNull()
    registry.devices.delete('acme.gw')
    expect(directory.resolve(gateway, 'wmbusmeters/m1')).toBeNull()
    expect(directory.mayRead(gateway, 'wmbusmeters/m1')).toBe(false)
    expect(directory.resolve(deviceAccount(registry, 'acme.m1'), 'wmbusmeters/m1')).not.toBeNull()
  })

  it('knows devices that were registered before it was created', () => {
    const { registry, restart } = openFleet()
    expect(registry.devices.list()).not.toEqual([])
    const reopened = restart()
    const directory = createDirectory(reopened)
    const robot = deviceAccount(reopened, 'acme.r1')
    expect(directory.resolve(robot, 'uagv/v2/KIT/0001/state')?.device).toBe('acme.r1')
  })

  // Trying both branches at every level would take 2^100 steps: this test would not end.
  it('does not try every combination of wildcards in filters of many levels', () => {
    const { registry, directory } = openFleet()
    const levels = Array.from({ length: 100 }, () => '+').join('/')
    addDevice(registry, 'acme.deep', { topics: [`deep/${levels}/end`] })
    expect(directory.mayRead(accountOf(registry, 'acme'), `deep/${levels}/other`)).toBe(false)
    expect(directory.resolve(accountOf(registry, 'acme'), `deep/${levels}/x`)).toBeNull()
  })

  it('caches a bounded number of routes per account', () => {
    const { registry, directory } = openFleet()
    const robot = deviceAccount(registry, 'acme.r1')
    for (let at = 0; at < 2000; at += 1) {
      expect(directory.resolve(robot, `uagv/v2/KIT/0001/${at}`)?.device).toBe('acme.r1')
    }
    const long = `uagv/v2/KIT/0001/${'x'.repeat(60_000)}`
    expect(directory.resolve(robot, long)).toEqual(directory.resolve(robot, long))
    expect(directory.resolve(robot, long)).not.toBe(directory.resolve(robot, long))
  })
})
