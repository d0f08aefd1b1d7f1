import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDirectory } from '#lib/registry/topics/directory.ts'
import type { Account, Device, NewDevice } from '#lib/registry/registry.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import { matchesFilter } from '#lib/telemetry/topics.ts'
import { openWithTenants } from '../unit/lib/registry/test-registry.ts'
import { propertyRuns } from '../support/random-runs.ts'

/**
 * Random fleets of two tenants, whose rights are worked out for every topic of a small world: the
 * directory may grant less than that, never more. The fleet changes under one directory all the time,
 * so stale memory would show.
 */
const RUNS = propertyRuns(30)

const TENANTS = ['acme', 'borg']
const IDS = ['d1', 'd2', 'gw']
const WORLD = [...foreignTopics(3), ...nativeTopics()]

function foreignTopics(depth: number): string[] {
  const names = ['a', 'b', 'z', 'order', 'state', 'padborg']
  if (depth === 1) return names
  const shorter = foreignTopics(depth - 1)
  return [
    ...new Set([...shorter, ...shorter.flatMap((topic) => names.map((n) => `${topic}/${n}`))]),
  ]
}

function nativeTopics(): string[] {
  const channels = ['', '/telemetry', '/errors', '/clock/request', '/z']
  return [...TENANTS, 'z'].flatMap((tenant) => [
    `padborg/v1/${tenant}`,
    ...[...IDS, 'z'].flatMap((id) => channels.map((end) => `padborg/v1/${tenant}/${id}${end}`)),
  ])
}

const level = fc.constantFrom('a', 'b', 'order', '+')
const foreignFilter = fc
  .tuple(fc.array(level, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '/#'))
  .map(([levels, end]) => levels.join('/') + end)
/** The registry takes no filter that reaches into the native tree. */
const ownFilter = foreignFilter.filter((filter) => !/^\+\/(\+|#)/.test(filter))
const nativeFilter = fc
  .tuple(
    fc.constantFrom('padborg', 'padborg', '+'),
    fc.constantFrom('v1', 'v1', '+'),
    fc.constantFrom(...TENANTS, '+'),
    fc.constantFrom(...IDS, '+'),
    fc.constantFrom('telemetry', 'errors', 'clock', '+'),
    fc.constantFrom('request', '+'),
    fc.integer({ min: 0, max: 6 }),
    fc.boolean(),
  )
  .map(([root, version, tenant, id, channel, last, depth, open]) =>
    [...[root, version, tenant, id, channel, last].slice(0, depth), ...(open ? ['#'] : [])].join(
      '/',
    ),
  )
  .filter((filter) => filter !== '')

const newDevice: fc.Arbitrary<NewDevice> = fc
  .record({
    tenant: fc.constantFrom(...TENANTS),
    id: fc.constantFrom(...IDS),
    format: fc.constantFrom('vda5050', 'native'),
    topics: fc.array(ownFilter, { maxLength: 3 }),
    carried: fc.boolean(),
  })
  .map(({ carried, ...device }) => ({
    ...device,
    ...(device.id === 'gw' ? { kind: 'gateway', format: 'native' } : { kind: 'robot' }),
    settings: carried ? { gateway: 'gw' } : {},
  }))

/** Devices for which an account may speak. */
function speaksFor(account: Account, devices: readonly Device[]): Device[] {
  const own = devices.filter(({ tenant }) => tenant === account.tenant)
  if (account.type === 'application') return own
  const isGateway = own.some(({ id, gateway }) => id === account.id && gateway)
  return own.filter(
    ({ id, settings }) => id === account.id || (isGateway && settings['gateway'] === 'gw'),
  )
}

function isOpen(account: Account, devices: readonly Device[], topic: string): boolean {
  const trees = devices.map(({ id }) => `padborg/v1/${id.replace('.', '/')}`)
  if (account.type === 'application') trees.push(`padborg/v1/${account.tenant}`)
  if (trees.some((tree) => topic === tree || topic.startsWith(`${tree}/`))) return true
  return devices.some(({ topics }) => topics.some((filter) => matchesFilter(filter, topic)))
}

function accountsOf(devices: readonly Device[]): Account[] {
  return [
    ...TENANTS.map((tenant) => ({ type: 'application', id: `key ${tenant}`, tenant }) as const),
    ...devices.map((device) => {
      const { id, tenant } = device
      return { type: 'device', id, tenant, device } as const
    }),
  ]
}

describe('the directory', () => {
  it('opens no topic of others to an account, neither to read nor to write', () => {
    const { registry } = openWithTenants()
    const directory = createDirectory(registry)
    const filters = fc.array(fc.oneof(nativeFilter, foreignFilter), {
      minLength: 30,
      maxLength: 60,
    })
    fc.assert(
      fc.property(fc.array(newDevice, { maxLength: 6 }), filters, (wanted, asked) => {
        for (const { id } of registry.devices.list()) registry.devices.delete(id)
        for (const device of wanted) create(device)
        const devices = registry.devices.list()
        for (const account of accountsOf(devices)) {
          const own = speaksFor(account, devices)
          const open = new Set(WORLD.filter((topic) => isOpen(account, own, topic)))
          for (const filter of [...asked, '#', '+/#']) {
            if (!directory.mayRead(account, filter)) continue
            const seen = WORLD.filter((topic) => matchesFilter(filter, topic))
            expect(
              seen.filter((topic) => !open.has(topic)),
              filter,
            ).toEqual([])
          }
          for (const topic of WORLD) {
            const route = directory.resolve(account, topic)
            if (!route) continue
            expect(open.has(topic), topic).toBe(true)
            expect(own.map(({ id }) => id)).toContain(route.device)
            const isCommandOfDevice = account.type === 'device' && route.role === 'command'
            expect(isCommandOfDevice, topic).toBe(false)
          }
        }
      }),
      RUNS,
    )

    /** Topics that another device has are refused, which is not what this is about. */
    function create(device: NewDevice): void {
      try {
        registry.devices.create(device)
      } catch (error) {
        if (!(error instanceof PlatformError)) throw error
      }
    }
  })

  it('opens its own topics to each account', () => {
    const { registry } = openWithTenants()
    const directory = createDirectory(registry)
    fc.assert(
      fc.property(newDevice, (given) => {
        for (const { id } of registry.devices.list()) registry.devices.delete(id)
        const device = registry.devices.create(given)
        const { id, tenant, topics } = device
        const account: Account = { type: 'device', id, tenant, device }
        const application: Account = { type: 'application', id: 'key', tenant }
        const native = `padborg/v1/${id.replace('.', '/')}`
        for (const filter of [`${native}/#`, `${native}/errors`, ...topics]) {
          expect(directory.mayRead(account, filter), filter).toBe(true)
          expect(directory.mayRead(application, filter), filter).toBe(true)
        }
        for (const topic of WORLD) {
          const isOwn = topics.some((filter) => matchesFilter(filter, topic))
          if (!isOwn || topic.startsWith('padborg/')) continue
          const isRobot = given.format === 'vda5050'
          const intake = { device: id, role: 'intake' }
          const command = { device: id, role: 'command' }
          const isOrder = isRobot && topic.endsWith('order')
          expect(directory.resolve(account, topic), topic).toEqual(isOrder ? null : intake)
          // What a robot does not write itself is a command when an application does.
          const isCommand = isRobot && !topic.endsWith('state')
          const route = isCommand ? command : intake
          expect(directory.resolve(application, topic), topic).toEqual(route)
          const anybody = directory.resolve({ type: 'anybody', tenant }, topic)
          expect(anybody, topic).toEqual(isOrder ? command : intake)
        }
      }),
      RUNS,
    )
  })
})
