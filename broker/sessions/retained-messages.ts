import type { FullId } from '#lib/telemetry/ids.ts'
import type { RetainedMessage, SessionFile } from './session-file.ts'
import { TopicTree } from './topic-tree.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** What may be retained: everything is kept in memory. Bytes are those of topics and payloads. */
export const RETAINED_LIMITS = {
  messagesPerTenant: 50_000,
  bytesPerDevice: MIB,
  bytesPerTenant: 64 * MIB,
  bytesInAll: 256 * MIB,
} as const

/** Retained messages by tenant and topic, in memory and in `broker.db`. */
export class RetainedMessages {
  readonly #file: SessionFile
  readonly #tree = new TopicTree<RetainedMessage>()
  readonly #messages = new Map<string, number>()
  readonly #bytesOfDevice = new Map<FullId, number>()
  readonly #bytesOfTenant = new Map<string, number>()
  #bytes = 0

  constructor(file: SessionFile) {
    this.#file = file
    for (const message of file.retained()) this.#add(message)
  }

  get bytes(): number {
    return this.#bytes
  }

  /** An empty payload clears the topic ([MQTT-3.3.1-10]). False: a limit is reached, nothing changes. */
  put(message: RetainedMessage): boolean {
    const { topic, payload } = message
    const before = this.#tree.get(topic)
    if (payload.length === 0) {
      if (before) this.#delete(before)
      return true
    }
    if (!this.#file.hasRoom || !this.#hasRoomFor(message, before)) return false
    if (before) this.#count(before, -1)
    this.#add({ ...message, payload: Buffer.from(payload) })
    this.#file.putRetained(topic, message)
    return true
  }

  /** Those that match a scoped filter, and null for each step without one. */
  matching(filter: string): Generator<RetainedMessage | null> {
    return this.#tree.matching(filter)
  }

  /** Drops the messages on all topics that begin with `start`, which ends with `/`. */
  forgetBelow(start: string): void {
    for (const message of this.#below(start)) this.#delete(message)
  }

  /** Drops what a device published, and what others published to it. */
  forgetDevice(device: FullId, tenant: string): void {
    for (const message of this.#below(`${tenant}/`)) {
      if (message.device === device) this.#delete(message)
    }
  }

  /** A copy, because the tree changes while it is walked. */
  #below(start: string): readonly RetainedMessage[] {
    return Array.from(this.#tree.below(start))
  }

  #add(message: RetainedMessage): void {
    this.#tree.set(message.topic, message)
    this.#count(message, 1)
  }

  #delete(message: RetainedMessage): void {
    this.#tree.delete(message.topic)
    this.#count(message, -1)
    this.#file.putRetained(message.topic, null)
  }

  #hasRoomFor(message: RetainedMessage, before: RetainedMessage | undefined): boolean {
    const { messagesPerTenant, bytesPerDevice, bytesPerTenant, bytesInAll } = RETAINED_LIMITS
    const tenant = tenantOf(message)
    const more = sizeOf(message) - (before ? sizeOf(before) : 0)
    // What makes it less is always welcome, also where an earlier version kept more.
    if (before && more <= 0) return true
    const moreOfDevice = before?.device === message.device ? more : sizeOf(message)
    return (
      (before !== undefined || (this.#messages.get(tenant) ?? 0) < messagesPerTenant) &&
      (message.device === '' ||
        (this.#bytesOfDevice.get(message.device) ?? 0) + moreOfDevice <= bytesPerDevice) &&
      (this.#bytesOfTenant.get(tenant) ?? 0) + more <= bytesPerTenant &&
      this.#bytes + more <= bytesInAll
    )
  }

  #count(message: RetainedMessage, sign: 1 | -1): void {
    const bytes = sign * sizeOf(message)
    addTo(this.#messages, tenantOf(message), sign)
    addTo(this.#bytesOfTenant, tenantOf(message), bytes)
    if (message.device !== '') addTo(this.#bytesOfDevice, message.device, bytes)
    this.#bytes += bytes
  }
}

function tenantOf({ topic }: RetainedMessage): string {
  return topic.slice(0, topic.indexOf('/'))
}

function sizeOf({ topic, payload }: RetainedMessage): number {
  return topic.length + payload.length
}

function addTo(sums: Map<string, number>, key: string, more: number): void {
  const sum = (sums.get(key) ?? 0) + more
  if (sum === 0) sums.delete(key)
  else sums.set(key, sum)
}
