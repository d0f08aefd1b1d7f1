import type { Connection } from './connection.ts'
import type { AckType } from '../frames.ts'

/**
 * Acknowledgements of one turn go out in one write per connection: a group commit makes many messages
 * durable at once, and a system call costs more than everything else about an ack.
 */
export interface Acks {
  add(connection: Connection, type: AckType, messageId: number): void
  flush(): void
}

/** `onFull` hears of a peer that does not read its acknowledgements. */
export function createAcks(onFull: (connection: Connection) => void): Acks {
  let dirty: Connection[] = []

  function flush(): void {
    const connections = dirty
    dirty = []
    for (const connection of connections) write(connection)
  }

  function write(connection: Connection): void {
    const { acks, stream } = connection
    if (stream.writable) {
      const bytes = Buffer.allocUnsafe(acks.length * 4)
      let at = 0
      for (const ack of acks) {
        bytes[at] = ack >> 16
        bytes[at + 1] = 2
        bytes[at + 2] = (ack >> 8) & 255
        bytes[at + 3] = ack & 255
        at += 4
      }
      if (!stream.write(bytes)) onFull(connection)
    }
    acks.length = 0
  }

  return {
    add(connection, type, messageId) {
      if (connection.stage === 'closed') return
      if (connection.acks.push((type << 16) | messageId) > 1) return
      if (dirty.push(connection) === 1) process.nextTick(flush)
    },
    flush,
  }
}
