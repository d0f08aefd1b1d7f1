import type { ForwardPacket } from '../aedes/emitter.ts'

/** A message, or the PUBREL in its place, that waits for the subscriber's acknowledgement. */
export interface Queued {
  readonly cmd: string
  readonly brokerId?: string | null
  readonly brokerCounter?: number
  messageId?: number | undefined
  readonly payload?: Uint8Array
}

/**
 * What a persistent session has not acknowledged, in order, in memory. Above its limit the oldest
 * goes: a subscriber that returns after a week needs the messages of today.
 */
export interface OfflineQueue {
  /** False: the oldest one was dropped. */
  add(packet: ForwardPacket): boolean
  /** Gives a queued message its id, or puts a PUBREL in the place of the message with its id. */
  update(packet: Queued): void
  /** Takes out what was acknowledged, or what was shed before it had an id. */
  remove(packet: Queued): Queued | undefined
  list(): readonly Queued[]
}

export function createOfflineQueue(maxMessages: number): OfflineQueue {
  const byCounter = new Map<number, Queued>()
  const counters = new Map<number, number>()

  function drop(counter: number): Queued | undefined {
    const queued = byCounter.get(counter)
    byCounter.delete(counter)
    if (queued?.messageId !== undefined) counters.delete(queued.messageId)
    return queued
  }

  return {
    add(packet) {
      // The payload is a part of what was read from a socket, and must not keep the whole read in memory.
      byCounter.set(packet.brokerCounter, { ...packet, payload: Buffer.from(packet.payload) })
      const [oldest] = byCounter.keys()
      if (byCounter.size <= maxMessages || oldest === undefined) return true
      drop(oldest)
      return false
    },
    update(packet) {
      const { messageId } = packet
      if (messageId === undefined) return
      if (packet.cmd === 'pubrel') {
        const counter = counters.get(messageId)
        if (counter !== undefined) byCounter.set(counter, { cmd: 'pubrel', messageId })
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
  }
}
