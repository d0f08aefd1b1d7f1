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
import { MAX_FILTER_LENGTH, filterCovers, filterProblem, isTopic } from './topic-filters.ts'
import { createTopicIndex, type TopicIndex } from './topic-index.ts'

/** What a message on a topic is, and whose. */
export interface Route {
  readonly device: FullId
  /** `intake` is journaled; `command` flows to the device; the others are answered at once. */
  readonly role: 'intake' | 'command' | 'clock' | 'probe'
}

/**
 * Who publishes. `anybody` of a tenant: behind a foreign broker the topic alone tells whose message it
 * is, and every device and application may have sent it.
 */
export type Writer = Account | { readonly type: 'anybody'; readonly tenant: string }

/** Who may publish and subscribe where (docs/devices.md, "Accounts and topics"). */
export interface Directory {
  /** Null: the writer may not publish there. From a cache: called for every message. */
  resolve(writer: Writer, topic: string): Route | null
  /** Whether every topic that the filter can match is open to the account. */
  mayRead(account: Account, filter: string): boolean
}

/**
 * Routes cached per account; when there are more, all of the account are dropped. A device uses a
 * handful of topics, an application those of a fleet. Topics longer than any registered filter are not
 * cached: they could fill the memory.
 */
const CACHED_ROUTES = { device: 256, application: 16_384, anybody: 16_384 } as const

/**
 * Levels that a fleet control writes and a robot reads (VDA 5050 2.1, 6.3; 3.0 adds the last two).
 * `instantAction` is how some fleet controls spell it.
 */
const TO_ROBOT: ReadonlySet<string> = new Set([
  'order',
  'instantActions',
  'instantAction',
  'zoneSet',
  'responses',
])
/** Levels that a robot writes: what an application sends on any other one is a command. */
const FROM_ROBOT: ReadonlySet<string> = new Set([
  'state',
  'visualization',
  'connection',
  'factsheet',
])
const ROBOT_FORMAT = 'vda5050'
const NATIVE_ROOT = NATIVE_PREFIX.slice(0, NATIVE_PREFIX.indexOf('/') + 1)

type DirectoryRegistry = Pick<Registry, 'devices' | 'formats' | 'onChange'>
type Routes = Map<string, Route | null>

export function createDirectory(registry: DirectoryRegistry): Directory {
  return new RegistryDirectory(registry)
}

class RegistryDirectory implements Directory {
  readonly #registry: DirectoryRegistry
  readonly #intakeChannels: ReadonlySet<string>
  /** Devices with topics outside the native tree. */
  readonly #indexed = new Map<FullId, Device>()
  /** By tenant. */
  readonly #indexes = new Map<string, TopicIndex<FullId>>()
  #cache = new WeakMap<Writer, Routes>()

  constructor(registry: DirectoryRegistry) {
    this.#registry = registry
    this.#intakeChannels = new Set([...INTAKE_CHANNELS, ...registry.formats])
    this.#readAll()
    registry.onChange(({ table, id }) => {
      if (table !== 'devices' && table !== 'tenants') return
      this.#cache = new WeakMap()
      if (id === null) this.#readAll()
      else if (table === 'devices') this.#readOne(id)
    })
  }

  resolve(writer: Writer, topic: string): Route | null {
    const cached = this.#cache.get(writer)
    const route = cached?.get(topic)
    return route === undefined ? this.#resolveAndCache(writer, cached, topic) : route
  }

  mayRead(account: Account, filter: string): boolean {
    if (filter.startsWith('$') || filterProblem(filter) !== null) return false
    return account.type === 'application'
      ? this.#mayApplicationRead(account.tenant, filter)
      : this.#mayDeviceRead(account.id, filter)
  }

  #resolveAndCache(writer: Writer, cached: Routes | undefined, topic: string): Route | null {
    const route = this.#routeOf(writer, topic)
    if (topic.length > MAX_FILTER_LENGTH) return route
    const routes: Routes = cached ?? new Map()
    if (!cached) this.#cache.set(writer, routes)
    if (routes.size >= CACHED_ROUTES[writer.type]) routes.clear()
    routes.set(topic, route)
    return route
  }

  #routeOf(writer: Writer, topic: string): Route | null {
    if (!isTopic(topic) || topic.startsWith('$')) return null
    if (!topic.startsWith(NATIVE_ROOT)) return this.#foreignRoute(writer, topic)
    const native = parseNativeTopic(topic)
    if (!native || native.tenant !== writer.tenant) return null
    return writer.type === 'device'
      ? this.#deviceRoute(writer.id, native)
      : this.#applicationRoute(native)
  }

  #deviceRoute(writer: FullId, { device: id, channel }: NativeTopic): Route | null {
    const device = this.#registry.devices.get(id)
    if (!device || !this.#mayWriteFor(writer, device)) return null
    if (this.#intakeChannels.has(channel)) return { device: id, role: 'intake' }
    if (channel === PROBE_REQUEST) return { device: id, role: 'probe' }
    return channel === CLOCK_REQUEST ? { device: id, role: 'clock' } : null
  }

  #applicationRoute({ device, channel }: NativeTopic): Route | null {
    if (!this.#registry.devices.get(device)) return null
    return { device, role: this.#intakeChannels.has(channel) ? 'intake' : 'command' }
  }

  #foreignRoute(writer: Writer, topic: string): Route | null {
    const id = this.#indexes.get(writer.tenant)?.ownerOf(topic)
    const device = id ? this.#registry.devices.get(id) : null
    if (!device) return null
    const isCommand = device.format === ROBOT_FORMAT && isToRobot(writer, lastLevelOf(topic))
    if (writer.type === 'device' && (isCommand || !this.#mayWriteFor(writer.id, device)))
      return null
    return { device: device.id, role: isCommand ? 'command' : 'intake' }
  }

  /** A device publishes for itself; a gateway also for the devices that name it. */
  #mayWriteFor(writer: FullId, device: Device): boolean {
    if (device.id === writer) return true
    const gateway = this.#registry.devices.get(writer)
    return gateway !== null && isCarriedBy(device, gateway)
  }

  #mayApplicationRead(tenant: string, filter: string): boolean {
    const isNative = filterCovers(`${NATIVE_PREFIX}${tenant}/#`, filter)
    return isNative || (this.#indexes.get(tenant)?.covers(filter) ?? false)
  }

  #mayDeviceRead(id: FullId, filter: string): boolean {
    const device = this.#registry.devices.get(id)
    if (!device) return false
    if (coversOwn(device, filter)) return true
    if (!device.gateway) return false
    const carried = this.#carriedDeviceOf(device, filter)
    return carried !== null && coversOwn(carried, filter)
  }

  /** The sub-device a filter is about: named in a native one, or the owner of a foreign one. */
  #carriedDeviceOf(gateway: Device, filter: string): Device | null {
    const [root, version, tenant, short] = filter.split('/')
    const isNative = `${root}/${version}/` === NATIVE_PREFIX && tenant && short
    const id = isNative
      ? fullId(tenant, short)
      : this.#indexes.get(gateway.tenant)?.overlapping(filter)?.owner
    const device = id ? this.#registry.devices.get(id) : null
    return device && isCarriedBy(device, gateway) ? device : null
  }

  #readAll(): void {
    this.#indexed.clear()
    this.#indexes.clear()
    for (const device of this.#registry.devices.list()) this.#addToIndex(device)
  }

  #readOne(id: FullId): void {
    const before = this.#indexed.get(id)
    const index = before && this.#indexes.get(before.tenant)
    for (const filter of before?.topics ?? []) index?.remove(filter)
    this.#indexed.delete(id)
    const device = this.#registry.devices.get(id)
    if (device) this.#addToIndex(device)
  }

  #addToIndex(device: Device): void {
    if (device.topics.length === 0) return
    this.#indexed.set(device.id, device)
    const index = this.#indexes.get(device.tenant) ?? createTopicIndex<FullId>()
    this.#indexes.set(device.tenant, index)
    for (const filter of device.topics) index.add(filter, device.id)
  }
}

function coversOwn(device: Device, filter: string): boolean {
  if (filterCovers(nativeTopic(device.id, '#'), filter)) return true
  return device.topics.some((registered) => filterCovers(registered, filter))
}

function isToRobot({ type }: Writer, level: string): boolean {
  return TO_ROBOT.has(level) || (type === 'application' && !FROM_ROBOT.has(level))
}

function lastLevelOf(topic: string): string {
  return topic.slice(topic.lastIndexOf('/') + 1)
}
