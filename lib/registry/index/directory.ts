import { fullId, type FullId } from '#lib/telemetry/ids.ts'
import {
  CLOCK_REQUEST,
  INTAKE_CHANNELS,
  NATIVE_PREFIX,
  PROBE_REQUEST,
  nativeTopic,
  parseNativeTopic,
  type NativeTopic,
} from '#lib/telemetry/topics.ts'
import type { Account, Device, Registry } from '../registry.ts'
import { isCarriedBy } from '../sub-devices.ts'
import { LONGEST_FILTER, filterCovers, filterProblem, isTopic } from './topic-filters.ts'
import { createTopicIndex, type TopicIndex } from './topic-index.ts'

/** What a message on a topic is, and whose. */
export interface Route {
  readonly device: FullId
  /** `intake` is journaled; `command` flows to the device; the others are answered at once. */
  readonly role: 'intake' | 'command' | 'clock' | 'probe'
}

/** Who may publish and subscribe where (docs/devices.md, "Accounts and topics"). */
export interface Directory {
  /** Null: the account may not publish there. From a cache: called for every message. */
  resolve(account: Account, topic: string): Route | null
  /** Whether every topic that the filter can match is open to the account. */
  mayRead(account: Account, filter: string): boolean
}

/**
 * Routes remembered per account; when there are more, all of the account are found anew. A device
 * uses a handful of topics, an application those of a fleet. Topics longer than any registered filter
 * are found anew each time: they could fill the memory.
 */
const CACHED_ROUTES = { device: 256, application: 16_384 } as const

/** Levels that a fleet control writes and a robot reads (VDA 5050 2.1, 6.3; 3.0 adds the last two). */
const TO_ROBOT: ReadonlySet<string> = new Set(['order', 'instantActions', 'zoneSet', 'responses'])
const ROBOT_FORMAT = 'vda5050'
const NATIVE_ROOT = NATIVE_PREFIX.slice(0, NATIVE_PREFIX.indexOf('/') + 1)

export function createDirectory(
  registry: Pick<Registry, 'devices' | 'formats' | 'onChange'>,
): Directory {
  const intakeChannels = new Set<string>([...INTAKE_CHANNELS, ...registry.formats])
  const indexed = new Map<FullId, Device>()
  const indexes = new Map<string, TopicIndex<FullId>>()
  let cache = new WeakMap<Account, Map<string, Route | null>>()
  readAll()
  registry.onChange(({ table, id }) => {
    if (table !== 'devices' && table !== 'tenants') return
    cache = new WeakMap()
    if (id === null) readAll()
    else if (table === 'devices') readOne(id)
  })

  return {
    resolve(account, topic) {
      const known = cache.get(account)
      const route = known?.get(topic)
      return route === undefined ? remember(account, known, topic) : route
    },
    mayRead(account, filter) {
      if (filter.startsWith('$') || filterProblem(filter) !== null) return false
      return account.type === 'application'
        ? mayApplicationRead(account.tenant, filter)
        : mayDeviceRead(account.id, filter)
    },
  }

  function remember(
    account: Account,
    known: Map<string, Route | null> | undefined,
    topic: string,
  ): Route | null {
    const route = routeOf(account, topic)
    if (topic.length > LONGEST_FILTER) return route
    const routes = known ?? new Map<string, Route | null>()
    if (!known) cache.set(account, routes)
    if (routes.size >= CACHED_ROUTES[account.type]) routes.clear()
    routes.set(topic, route)
    return route
  }

  function routeOf(account: Account, topic: string): Route | null {
    if (!isTopic(topic) || topic.startsWith('$')) return null
    if (!topic.startsWith(NATIVE_ROOT)) return foreignRoute(account, topic)
    const native = parseNativeTopic(topic)
    if (!native || native.tenant !== account.tenant) return null
    return account.type === 'device' ? deviceRoute(account.id, native) : applicationRoute(native)
  }

  function deviceRoute(writer: FullId, { device: id, channel }: NativeTopic): Route | null {
    const device = registry.devices.get(id)
    if (!device || !mayWriteFor(writer, device)) return null
    if (intakeChannels.has(channel)) return { device: id, role: 'intake' }
    if (channel === PROBE_REQUEST) return { device: id, role: 'probe' }
    return channel === CLOCK_REQUEST ? { device: id, role: 'clock' } : null
  }

  function applicationRoute({ device, channel }: NativeTopic): Route | null {
    if (!registry.devices.get(device)) return null
    return { device, role: intakeChannels.has(channel) ? 'intake' : 'command' }
  }

  function foreignRoute(account: Account, topic: string): Route | null {
    const id = indexes.get(account.tenant)?.ownerOf(topic)
    const device = id ? registry.devices.get(id) : null
    if (!device) return null
    const isCommand = device.format === ROBOT_FORMAT && TO_ROBOT.has(lastLevelOf(topic))
    if (account.type === 'application') {
      return { device: device.id, role: isCommand ? 'command' : 'intake' }
    }
    if (isCommand || !mayWriteFor(account.id, device)) return null
    return { device: device.id, role: 'intake' }
  }

  /** A device speaks for itself; a gateway also for the devices that name it. */
  function mayWriteFor(writer: FullId, device: Device): boolean {
    if (device.id === writer) return true
    const gateway = registry.devices.get(writer)
    return gateway !== null && isCarriedBy(device, gateway)
  }

  function mayApplicationRead(tenant: string, filter: string): boolean {
    const isNative = filterCovers(`${NATIVE_PREFIX}${tenant}/#`, filter)
    return isNative || (indexes.get(tenant)?.covers(filter) ?? false)
  }

  function mayDeviceRead(id: FullId, filter: string): boolean {
    const device = registry.devices.get(id)
    if (!device) return false
    if (coversOwn(device, filter)) return true
    if (!device.gateway) return false
    const carried = carriedDeviceOf(device, filter)
    return carried !== null && coversOwn(carried, filter)
  }

  /** The sub-device a filter speaks of: named in a native one, or the owner of a foreign one. */
  function carriedDeviceOf(gateway: Device, filter: string): Device | null {
    const [root, version, tenant, short] = filter.split('/')
    const isNative = `${root}/${version}/` === NATIVE_PREFIX && tenant && short
    const id = isNative
      ? fullId(tenant, short)
      : indexes.get(gateway.tenant)?.overlapping(filter)?.owner
    const device = id ? registry.devices.get(id) : null
    return device && isCarriedBy(device, gateway) ? device : null
  }

  function readAll(): void {
    indexed.clear()
    indexes.clear()
    for (const device of registry.devices.list()) addToIndex(device)
  }

  function readOne(id: FullId): void {
    const before = indexed.get(id)
    for (const filter of before?.topics ?? []) indexes.get(before?.tenant ?? '')?.remove(filter)
    indexed.delete(id)
    const device = registry.devices.get(id)
    if (device) addToIndex(device)
  }

  function addToIndex(device: Device): void {
    if (device.topics.length === 0) return
    indexed.set(device.id, device)
    const index = indexes.get(device.tenant) ?? createTopicIndex<FullId>()
    indexes.set(device.tenant, index)
    for (const filter of device.topics) index.add(filter, device.id)
  }
}

function coversOwn(device: Device, filter: string): boolean {
  if (filterCovers(nativeTopic(device.id, '#'), filter)) return true
  return device.topics.some((registered) => filterCovers(registered, filter))
}

function lastLevelOf(topic: string): string {
  return topic.slice(topic.lastIndexOf('/') + 1)
}
