import type { ForwardPacket } from '../aedes/emitter.ts'

/** A message, or the PUBREL in its place, that waits for the subscriber's acknowledgement. */
export interface Queued {
  readonly cmd: string
  readonly brokerId?: string | null
  readonly brokerCounter?: number
  messageId?: number | undefined
  readonly topic?: string
  readonly payload?: Uint8Array
}

/** Bytes of topics and payloads that wait for persistent sessions, in memory. */
export const OFFLINE_BYTES = {
  ofSession: 4 * 1024 * 1024,
  ofTenant: 64 * 1024 * 1024,
  ofAll: 256 * 1024 * 1024,
} as const

/** Bytes that wait for the sessions of a tenant, and of all. */
export class OfflineBytes {
  readonly #tenants = new Map<string, number>()
  #all = 0

  get all(): number {
    return this.#all
  }

  add(tenant: string, bytes: number): void {
    const sum = (this.#tenants.get(tenant) ?? 0) + bytes
    if (sum === 0) this.#tenants.delete(tenant)
    else this.#tenants.set(tenant, sum)
    this.#all += bytes
  }

  isAbove(tenant: string): boolean {
    const { ofTenant, ofAll } = OFFLINE_BYTES
    return (this.#tenants.get(tenant) ?? 0) > ofTenant || this.#all > ofAll
  }
}

/**
 * What a persistent session has not acknowledged, in order, in memory. Above a limit its oldest go: a
 * subscriber that returns after a week needs the messages of today.
 */
export interface OfflineQueue {
  /** How many of the oldest were dropped. */
  add(packet: ForwardPacket): number
  /** Gives a queued message its id, or puts a PUBREL in the place of the message with its id. */
  update(packet: Queued): void
  /** Takes out what was acknowledged, or what was shed before it had an id. */
  remove(packet: Queued): Queued | undefined
  list(): readonly Queued[]
  /** The session is gone. */
  clear(): void
}

export interface OfflineLimits {
  readonly maxMessages: number
  readonly tenant: string
  readonly bytes: OfflineBytes
}

export function createOfflineQueue({ maxMessages, tenant, bytes }: OfflineLimits): OfflineQueue {
  const byCounter = new Map<number, Queued>()
  const counters = new Map<number, number>()
  let own = 0

  function count(more: number): void {
    own += more
    bytes.add(tenant, more)
  }

  function drop(counter: number): Queued | undefined {
    const queued = byCounter.get(counter)
    byCounter.delete(counter)
    if (queued) count(-sizeOf(queued))
    if (queued?.messageId !== undefined) counters.delete(queued.messageId)
    return queued
  }

  function isAbove(): boolean {
    return byCounter.size > maxMessages || own > OFFLINE_BYTES.ofSession || bytes.isAbove(tenant)
  }

  return {
    add(packet) {
      // The payload is a part of what was read from a socket, and must not keep the whole read in memory.
      byCounter.set(packet.brokerCounter, { ...packet, payload: Buffer.from(packet.payload) })
      count(sizeOf(packet))
      let dropped = 0
      for (const oldest of byCounter.keys()) {
        if (!isAbove()) break
        drop(oldest)
        dropped += 1
      }
      return dropped
    },
    update(packet) {
      const { messageId } = packet
      if (messageId === undefined) return
      if (packet.cmd === 'pubrel') {
        const counter = counters.get(messageId)
        if (counter === undefined) return
        const before = byCounter.get(counter)
        if (before) count(-sizeOf(before))
        byCounter.set(counter, { cmd: 'pubrel', messageId })
        return
      }
      const counter = packet.brokerCounter ?? 0
      const queued = byCounter.get(counter)
      if (!queued) return
      queued.messageId = messageId
      counters.set(messageId, counter)
    },
    remove({ messageId, brokerCounter }) {
      const counter = messageId === undefined ? brokerCounter : counters.get(messageId)
      return counter === undefined ? undefined : drop(counter)
    },
    list: () => [...byCounter.values()],
    clear() {
      byCounter.clear()
      counters.clear()
      count(-own)
    },
  }
}

function sizeOf({ topic = '', payload }: Queued): number {
  return topic.length + (payload?.length ?? 0)
}
