import type { Connection } from './connection.ts'
import { LONGEST_HEADER, createFrame, readFrame } from '../frames.ts'

interface Completed {
  /** The packet, once its last byte is there. */
  readonly packet: Buffer | null
  /** Bytes of the chunk that belonged to it. */
  readonly used: number
  /** Its length, if that is over the limit. */
  readonly refused: number | null
}

/**
 * Collects packets that arrive in pieces, in one buffer that grows by doubling: a packet that comes
 * byte by byte costs neither a copy per byte nor a buffer per byte, and nobody reserves the most by
 * announcing it.
 */
export function createPartials(maxPacketBytes: number) {
  const frame = createFrame()
  return { begin, add }

  function begin(connection: Connection, bytes: Buffer, total: number): void {
    const capacity = Math.max(LONGEST_HEADER, bytes.length)
    connection.partial = Buffer.allocUnsafeSlow(total > 0 ? Math.min(total, capacity) : capacity)
    connection.partialBytes = bytes.copy(connection.partial)
  }

  function add(connection: Connection, bytes: Buffer): Completed {
    let used = 0
    let total = lengthOf(connection)
    while (total === 0 && used < bytes.length) {
      append(connection, bytes.subarray(used, used + 1), LONGEST_HEADER)
      used += 1
      total = lengthOf(connection)
    }
    if (total > maxPacketBytes || total < 0) return { packet: null, used, refused: Math.abs(total) }
    if (total === 0) return { packet: null, used, refused: null }
    const part = bytes.subarray(used, used + total - connection.partialBytes)
    append(connection, part, total)
    used += part.length
    if (connection.partialBytes < total) return { packet: null, used, refused: null }
    const packet = connection.partial?.subarray(0, total) ?? null
    connection.partial = null
    connection.partialBytes = 0
    return { packet, used, refused: null }
  }

  /** 0: the header is not complete. A malformed header is left to whoever reads the packet. */
  function lengthOf({ partial, partialBytes }: Connection): number {
    if (!partial) return 0
    const state = readFrame(partial.subarray(0, partialBytes), 0, maxPacketBytes, frame)
    return state === 'malformed' ? partialBytes : frame.end
  }

  function append(connection: Connection, part: Buffer, total: number): void {
    const { partial, partialBytes } = connection
    const needed = partialBytes + part.length
    if (partial && needed > partial.length) {
      const capacity = Math.max(needed, Math.min(total, partial.length * 2))
      connection.partial = Buffer.allocUnsafeSlow(capacity)
      partial.copy(connection.partial, 0, 0, partialBytes)
    }
    if (connection.partial) part.copy(connection.partial, partialBytes)
    connection.partialBytes = needed
  }
}
