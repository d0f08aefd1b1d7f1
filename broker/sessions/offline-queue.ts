import type { Qos } from '#lib/telemetry/message.ts'
import type { ForwardPacket } from '../aedes/emitter.ts'

/** A message, or the PUBREL in its place, that waits for the subscriber's acknowledgement. */
export interface Queued {
  readonly cmd: string
  readonly brokerId?: string | null
  readonly brokerCounter?: number
  messageId?: number | undefined
  readonly topic?: string
  readonly payload?: Uint8Array
  readonly qos?: Qos
  /** It has been sent before ([MQTT-3.3.1-1]). */
  readonly dup?: boolean
}

/** Bytes of topics and payloads that wait for persistent sessions, in memory. */
export const OFFLINE_BYTES = {
  ofSession: 4 * 1024 * 1024,
  ofTenant: 64 * 1024 * 1024,
  ofAll: 256 * 1024 * 1024,
} as const

const MAX_MESSAGE_ID = 65_535

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

export interface OfflineLimits {
  readonly maxMessages: number
  readonly tenant: string
  readonly bytes: OfflineBytes
}

/**
 * What a persistent session has not acknowledged, in order, in memory. Above a limit its oldest go: a
 * subscriber that returns after a week needs the messages of today.
 */
export class OfflineQueue {
  readonly #limits: OfflineLimits
  readonly #byCounter = new Map<number, Queued>()
  readonly #counters = new Map<number, number>()
  #own = 0
  #lastMessageId = 0

  constructor(limits: OfflineLimits) {
    this.#limits = limits
  }

  /** How many of the oldest were dropped. */
  add(packet: ForwardPacket): number {
    // The payload is a part of what was read from a socket, and must not keep the whole read in memory.
    this.#byCounter.set(packet.brokerCounter, { ...packet, payload: Buffer.from(packet.payload) })
    this.#count(sizeOf(packet))
    let dropped = 0
    for (const oldest of this.#byCounter.keys()) {
      if (!this.#isAbove()) break
      this.#drop(oldest)
      dropped += 1
    }
    return dropped
  }

  /** Gives a queued message its id, or puts a PUBREL in the place of the message with its id. */
  update(packet: Queued): void {
    const { messageId } = packet
    if (messageId === undefined) return
    if (packet.cmd === 'pubrel') return this.#release(messageId)
    const counter = packet.brokerCounter ?? 0
    const queued = this.#byCounter.get(counter)
    if (!queued) return
    if (queued.messageId !== undefined) this.#counters.delete(queued.messageId)
    queued.messageId = messageId
    this.#counters.set(messageId, counter)
  }

  /** Takes out what was acknowledged, or what was shed before it had an id. */
  remove({ messageId, brokerCounter }: Queued): Queued | undefined {
    const counter = messageId === undefined ? brokerCounter : this.#counters.get(messageId)
    return counter === undefined ? undefined : this.#drop(counter)
  }

  list(): readonly Queued[] {
    return [...this.#byCounter.values()]
  }

  /** What waits, for a client that has come back: in order, and each with its message id. */
  *toSend(): Generator<Queued> {
    // As of now: what comes meanwhile follows when the client is ready.
    for (const counter of Array.from(this.#byCounter.keys())) {
      const queued = this.#byCounter.get(counter)
      if (!queued) continue
      const { messageId = this.nextMessageId() } = queued
      yield {
        ...queued,
        messageId,
        dup: queued.cmd === 'publish' && messageId === queued.messageId,
      }
    }
  }

  /** Messages that no connection has taken. */
  unsent(): readonly ForwardPacket[] {
    return this.list().filter(isUnsent)
  }

  /** One that nothing in the queue uses. */
  nextMessageId(): number {
    do this.#lastMessageId = (this.#lastMessageId % MAX_MESSAGE_ID) + 1
    while (this.#counters.has(this.#lastMessageId) && this.#counters.size < MAX_MESSAGE_ID)
    return this.#lastMessageId
  }

  /** The session is gone. */
  clear(): void {
    this.#byCounter.clear()
    this.#counters.clear()
    this.#count(-this.#own)
  }

  #release(messageId: number): void {
    const counter = this.#counters.get(messageId)
    if (counter === undefined) return
    const before = this.#byCounter.get(counter)
    if (before) this.#count(-sizeOf(before))
    this.#byCounter.set(counter, { cmd: 'pubrel', messageId })
  }

  #drop(counter: number): Queued | undefined {
    const queued = this.#byCounter.get(counter)
    this.#byCounter.delete(counter)
    if (queued) this.#count(-sizeOf(queued))
    if (queued?.messageId !== undefined) this.#counters.delete(queued.messageId)
    return queued
  }

  #count(more: number): void {
    const { tenant, bytes } = this.#limits
    this.#own += more
    bytes.add(tenant, more)
  }

  #isAbove(): boolean {
    const { maxMessages, tenant, bytes } = this.#limits
    const { ofSession } = OFFLINE_BYTES
    return this.#byCounter.size > maxMessages || this.#own > ofSession || bytes.isAbove(tenant)
  }
}

function isUnsent(queued: Queued): queued is ForwardPacket {
  return queued.cmd === 'publish' && queued.messageId === undefined
}

function sizeOf({ topic = '', payload }: Queued): number {
  return topic.length + (payload?.length ?? 0)
}
