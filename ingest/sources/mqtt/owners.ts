import type { Directory, Route } from '#lib/registry/topics/directory.ts'
import type { Account, Device, Devices, Registry, Tenants } from '#lib/registry/registry.ts'
import { createTopicIndex, type TopicIndex } from '#lib/registry/topics/topic-index.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import {
  ANSWER_CHANNELS,
  CLOCK_REQUEST,
  PROBE_REQUEST,
  parseNativeTopic,
} from '#lib/telemetry/topics.ts'

/** What the source asks of the registry. */
export interface SourceRegistry {
  readonly tenants: Pick<Tenants, 'list'>
  readonly devices: Pick<Devices, 'list' | 'get'>
  readonly onChange: Registry['onChange']
}

/** Whose a message is, by its topic alone. */
export interface Owner {
  /**
   * `unknown`: of no device, or of more than one; it is journaled and becomes a rejection. `own`:
   * an answer of this platform that comes back through the broker.
   */
  readonly role: Route['role'] | 'unknown' | 'own'
  /** Of an unknown one the id that its topic names, else ''. */
  readonly device: FullId
  /** Devices whose patterns all match, when they are more than one. */
  readonly rivals: readonly FullId[]
}

export interface Owners {
  ownerOf(topic: string): Owner
}

const REMEMBERED = 65_536
/** Ids of devices that are not there; each costs a state in the intake. Further ones are ''. */
const MOST_UNKNOWN = 10_000

/** Behind a foreign broker nobody signs in to us: the topic alone says whose a message is. */
export function createOwners(registry: SourceRegistry, directory: Directory): Owners {
  const known = new Map<string, Owner>()
  const unknown = new Set<FullId>()
  let accounts = readAccounts()
  registry.onChange(({ table }) => {
    if (table !== 'devices' && table !== 'tenants') return
    known.clear()
    accounts = readAccounts()
  })

  return {
    ownerOf(topic) {
      const owner = known.get(topic)
      if (owner) return owner
      const found = find(topic)
      if (known.size >= REMEMBERED) known.clear()
      known.set(topic, found)
      return found
    },
  }

  /** An application of a tenant may write all its topics: its rights are the topics of the tenant. */
  function readAccounts(): ReadonlyMap<string, Account> {
    const ids = registry.tenants.list().map(({ id }) => id)
    return new Map(ids.map((tenant) => [tenant, { type: 'application', id: tenant, tenant }]))
  }

  function find(topic: string): Owner {
    const native = parseNativeTopic(topic)
    return native ? ofNative(topic, native.device, native) : ofForeign(topic)
  }

  function ofNative(
    topic: string,
    device: FullId,
    { tenant, channel }: { readonly tenant: string; readonly channel: string },
  ): Owner {
    if (isAnswer(channel)) return { role: 'own', device, rivals: [] }
    const account = accounts.get(tenant)
    const route = account ? directory.resolve(account, topic) : null
    if (!route) return { role: 'unknown', device: named(device), rivals: [] }
    if (channel === CLOCK_REQUEST) return { role: 'clock', device, rivals: [] }
    if (channel === PROBE_REQUEST) return { role: 'probe', device, rivals: [] }
    return { ...route, rivals: [] }
  }

  function ofForeign(topic: string): Owner {
    const routes = [...accounts.values()].flatMap(
      (account) => directory.resolve(account, topic) ?? [],
    )
    const [route] = routes
    if (route && routes.length === 1) return { ...route, rivals: [] }
    return { role: 'unknown', device: '', rivals: routes.map(({ device }) => device) }
  }

  function named(device: FullId): FullId {
    if (unknown.has(device)) return device
    if (unknown.size >= MOST_UNKNOWN) return ''
    unknown.add(device)
    return device
  }
}

function isAnswer(channel: string): boolean {
  return ANSWER_CHANNELS.some((answer) => answer === channel)
}

/** Two patterns of different tenants that share a topic. */
export interface AmbiguousPattern {
  readonly device: FullId
  readonly pattern: string
  readonly otherDevice: FullId
  readonly otherPattern: string
}

/**
 * Patterns that do not tell the device apart when the topic alone decides. Within a tenant the
 * registry refuses them; between tenants the built-in broker knows better. Each pair is named once,
 * of many that touch one pattern of a tenant the first.
 */
export function ambiguousPatterns(registry: {
  readonly devices: { list(): readonly Device[] }
}): readonly AmbiguousPattern[] {
  const earlier = new Map<string, TopicIndex<FullId>>()
  const found: AmbiguousPattern[] = []
  for (const { id: device, tenant, topics } of registry.devices.list()) {
    for (const pattern of topics) {
      for (const [other, index] of earlier) {
        const rival = other === tenant ? null : index.overlapping(pattern)
        if (!rival) continue
        found.push({ device, pattern, otherDevice: rival.owner, otherPattern: rival.filter })
      }
    }
    const index = earlier.get(tenant) ?? createTopicIndex<FullId>()
    earlier.set(tenant, index)
    for (const pattern of topics) index.add(pattern, device)
  }
  return found
}

/** A line for `--check`. */
export function ambiguityLine(found: AmbiguousPattern): string {
  const { device, pattern, otherDevice, otherPattern } = found
  return (
    `devices ${otherDevice} and ${device}: expected patterns that share no topic, because behind ` +
    `PADBORG_MQTT_URL the topic alone tells the device, got ${otherPattern} and ${pattern}; their ` +
    'common topics are rejected as unknown_device until one of the two is changed'
  )
}
