import { ACK_BYTES, writeAck, type AckType } from '#lib/mqtt/acks.ts'
import type { Connection } from './connection.ts'

/**
 * Acknowledgements of one turn go out in one write per connection: a group commit makes many messages
 * durable at once, and a system call costs more than everything else about an acknowledgement.
 */
export class Acks {
  readonly #onFull: (connection: Connection) => void
  #unsent: Connection[] = []

  /** `onFull` is called for a peer that does not read its acknowledgements. */
  constructor(onFull: (connection: Connection) => void) {
    this.#onFull = onFull
  }

  add(connection: Connection, type: AckType, messageId: number): void {
    if (connection.stage === 'closed') return
    if (connection.acks.push((type << 16) | messageId) > 1) return
    if (this.#unsent.push(connection) === 1) process.nextTick(() => this.flush())
  }

  flush(): void {
    const connections = this.#unsent
    this.#unsent = []
    for (const connection of connections) this.#send(connection)
  }

  #send(connection: Connection): void {
    const { acks, stream } = connection
    if (stream.writable) {
      const bytes = Buffer.allocUnsafe(acks.length * ACK_BYTES)
      let at = 0
      for (const ack of acks) {
        // `add` made the number of a type and an id.
        writeAck(bytes, at, (ack >> 16) as AckType, ack & 0xffff)
        at += ACK_BYTES
      }
      if (!stream.write(bytes)) this.#onFull(connection)
    }
    acks.length = 0
  }
}
