import type { Directory, Route, Writer } from '#lib/registry/topics/directory.ts'
import type { Devices, Registry, Tenants } from '#lib/registry/registry.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import {
  RESPONSE_CHANNELS,
  CLOCK_REQUEST,
  PROBE_REQUEST,
  parseNativeTopic,
  type NativeTopic,
} from '#lib/telemetry/topics.ts'

/** What the source needs of the registry. */
export interface SourceRegistry {
  readonly tenants: Pick<Tenants, 'list'>
  readonly devices: Pick<Devices, 'list' | 'get'>
  readonly onChange: Registry['onChange']
}

/** The device of a message, by its topic alone. */
export interface Owner {
  /**
   * `unknown`: of no device, or of more than one; it is journaled and becomes a rejection. `own`: sent
   * by this platform, and back through the broker.
   */
  readonly role: Route['role'] | 'unknown' | 'own'
  /** Of an unknown one the id that its topic names, else ''. */
  readonly device: FullId
  /** Devices whose patterns all match, when they are more than one. */
  readonly rivals: readonly FullId[]
}

const MAX_REMEMBERED = 65_536
/** Ids of devices that do not exist; each costs a state in the intake. Further ones are ''. */
const MAX_UNKNOWN = 10_000

/** Behind a foreign broker nobody signs in to this platform: the topic alone names the device. */
export class Owners {
  readonly #registry: SourceRegistry
  readonly #directory: Directory
  readonly #byTopic = new Map<string, Owner>()
  readonly #unknownIds = new Set<FullId>()
  #writers: ReadonlyMap<string, Writer>

  constructor(registry: SourceRegistry, directory: Directory) {
    this.#registry = registry
    this.#directory = directory
    this.#writers = this.#readWriters()
    registry.onChange(({ table }) => {
      if (table !== 'devices' && table !== 'tenants') return
      this.#byTopic.clear()
      this.#writers = this.#readWriters()
    })
  }

  ownerOf(topic: string): Owner {
    const known = this.#byTopic.get(topic)
    if (known) return known
    const native = parseNativeTopic(topic)
    const owner = native ? this.#ofNative(topic, native) : this.#ofForeign(topic)
    if (this.#byTopic.size >= MAX_REMEMBERED) this.#byTopic.clear()
    this.#byTopic.set(topic, owner)
    return owner
  }

  #readWriters(): ReadonlyMap<string, Writer> {
    const ids = this.#registry.tenants.list().map(({ id }) => id)
    return new Map(ids.map((tenant) => [tenant, { type: 'anybody', tenant }]))
  }

  #ofNative(topic: string, { tenant, device, channel }: NativeTopic): Owner {
    if (isResponse(channel)) return { role: 'own', device, rivals: [] }
    const writer = this.#writers.get(tenant)
    const route = writer ? this.#directory.resolve(writer, topic) : null
    if (!route) return { role: 'unknown', device: this.#limited(device), rivals: [] }
    if (channel === CLOCK_REQUEST) return { role: 'clock', device, rivals: [] }
    if (channel === PROBE_REQUEST) return { role: 'probe', device, rivals: [] }
    return { ...route, rivals: [] }
  }

  #ofForeign(topic: string): Owner {
    const routes = [...this.#writers.values()].flatMap(
      (writer) => this.#directory.resolve(writer, topic) ?? [],
    )
    const [route] = routes
    if (route && routes.length === 1) return { ...route, rivals: [] }
    return { role: 'unknown', device: '', rivals: routes.map(({ device }) => device) }
  }

  #limited(device: FullId): FullId {
    if (this.#unknownIds.has(device)) return device
    if (this.#unknownIds.size >= MAX_UNKNOWN) return ''
    this.#unknownIds.add(device)
    return device
  }
}

function isResponse(channel: string): boolean {
  return RESPONSE_CHANNELS.some((response) => response === channel)
}
