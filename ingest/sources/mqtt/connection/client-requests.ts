import type { Packet } from 'mqtt-packet'
import { writeControl } from '#lib/mqtt/control-packets.ts'
import type { ProtocolVersion } from '#lib/mqtt/packet-types.ts'

/** Filters of one SUBSCRIBE: some brokers limit its size. */
const FILTERS_AT_ONCE = 100
const MAX_MESSAGE_ID = 65_535

/** SUBSCRIBE and UNSUBSCRIBE, each with the answer of the broker. */
export class ClientRequests {
  readonly #version: ProtocolVersion
  readonly #write: (bytes: Buffer) => boolean
  readonly #pending = new Map<number, (answer: Packet | null) => void>()
  #lastId = 0

  /** `write` returns false when nothing can be written any more. */
  constructor(version: ProtocolVersion, write: (bytes: Buffer) => boolean) {
    this.#version = version
    this.#write = write
  }

  /** The reason code of each filter; null when the connection ends first. */
  async subscribe(filters: readonly string[]): Promise<readonly number[] | null> {
    // Retained messages only where the subscription is new, and marked as they were published.
    const how = this.#version === 5 ? { rap: true, rh: 1 } : {}
    const codes: number[] = []
    for (const some of chunksOf(filters)) {
      const subscriptions = some.map((topic) => ({ topic, qos: 1 as const, ...how }))
      const answer = await this.#send((messageId) => ({
        cmd: 'subscribe',
        messageId,
        subscriptions,
      }))
      if (answer?.cmd !== 'suback') return null
      codes.push(...answer.granted.map(Number))
    }
    return codes
  }

  /** False when the connection ends first. */
  async unsubscribe(filters: readonly string[]): Promise<boolean> {
    for (const unsubscriptions of chunksOf(filters)) {
      const answer = await this.#send((messageId) => ({
        cmd: 'unsubscribe',
        messageId,
        unsubscriptions: [...unsubscriptions],
      }))
      if (!answer) return false
    }
    return true
  }

  /** A SUBACK or UNSUBACK; false: it answers nothing that was sent. */
  answered(packet: Packet | null): boolean {
    const resolve = this.#pending.get(packet?.messageId ?? 0)
    if (!packet || !resolve) return false
    this.#pending.delete(packet.messageId ?? 0)
    resolve(packet)
    return true
  }

  /** The connection has ended: nothing is answered any more. */
  close(): void {
    for (const resolve of this.#pending.values()) resolve(null)
    this.#pending.clear()
  }

  #send(packet: (messageId: number) => Packet): Promise<Packet | null> {
    this.#lastId = (this.#lastId % MAX_MESSAGE_ID) + 1
    const messageId = this.#lastId
    return new Promise((resolve) => {
      this.#pending.set(messageId, resolve)
      if (this.#write(writeControl(packet(messageId), this.#version))) return
      this.#pending.delete(messageId)
      resolve(null)
    })
  }
}

function chunksOf(filters: readonly string[]): readonly string[][] {
  const chunks: string[][] = []
  for (let at = 0; at < filters.length; at += FILTERS_AT_ONCE) {
    chunks.push(filters.slice(at, at + FILTERS_AT_ONCE))
  }
  return chunks
}
