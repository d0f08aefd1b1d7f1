import type { Clock } from '#lib/runtime/clock.ts'
import type { Connection, ReadChunk } from './connection.ts'
import {
  CONNECT,
  CONNACK_WRONG_VERSION,
  FOR_AEDES,
  PUBLISH,
  PUBREL,
  createFrame,
  protocolLevelOf,
  readFrame,
  type Frame,
} from '../frames.ts'
import type { Gates } from './gates.ts'
import { createPartials } from './partials.ts'
import type { Refusals } from '../access/refusals.ts'

/**
 * Reads MQTT packets from sockets. Messages go straight to `publishes`, the rest whole and in order to
 * Aedes. A connection that is blocked is not read from; what was read stays in order behind it.
 */
export interface Reader {
  /** Bytes from the socket; borrowed ones are used again after this call. */
  read(connection: Connection, bytes: Buffer, borrowed: boolean): void
  /** Goes on with what waited. */
  resume(connection: Connection): void
  /** The peer has sent its last byte. */
  end(connection: Connection): void
}

/** Takes messages; false means not now, and the reader keeps it. */
export interface Publishes {
  publish(connection: Connection, frame: Frame, chunk: ReadChunk): boolean
  release(connection: Connection, messageId: number): void
}

export interface ReaderDeps {
  readonly clock: Clock
  readonly refusals: Refusals
  readonly gates: Gates
  readonly publishes: Publishes
}

export interface ReaderOptions {
  readonly maxPacketBytes: number
}

/** Packets that Aedes may work on at once for one client: a flood of subscribes waits here. */
export const MOST_AT_AEDES = 64

export function createReader(deps: ReaderDeps, { maxPacketBytes }: ReaderOptions): Reader {
  const { clock, refusals, gates, publishes } = deps
  const partials = createPartials(maxPacketBytes)
  const frame = createFrame()

  return {
    read(connection, bytes, borrowed) {
      const chunk = { bytes, atNs: clock.nowNs(), monoNs: clock.monoNs(), borrowed }
      if (connection.blocked !== null) return gates.keepLast(connection, chunk)
      walk(connection, chunk)
      if (connection.waiting.length > 0) walkWaiting(connection)
    },
    resume(connection) {
      walkWaiting(connection)
      if (connection.stage === 'closed') return
      if (connection.ended && (connection.blocked === null || connection.blocked === 'held')) {
        connection.client.close()
      } else if (connection.blocked === null) connection.stream.resume()
    },
    end(connection) {
      connection.ended = true
      // While the journal is held, what was read but not handed over goes with its connection.
      const waits = connection.waiting.length > 0 && connection.blocked !== 'held'
      if (!waits) connection.client.close()
    },
  }

  function walkWaiting(connection: Connection): void {
    while (connection.blocked === null && connection.stage !== 'closed') {
      const chunk = gates.takeFirst(connection)
      if (!chunk) return
      walk(connection, chunk)
    }
  }

  /** Goes through the packets of a chunk; what cannot be taken now waits in front of all others. */
  function walk(connection: Connection, chunk: ReadChunk): void {
    if (connection.partial !== null) return complete(connection, chunk)
    const { bytes } = chunk
    let at = 0
    while (at < bytes.length) {
      if (connection.stage === 'closed' || connection.stream.destroyed) return
      if (connection.blocked !== null) return gates.keepFirst(connection, chunk, at)
      const state = readFrame(bytes, at, maxPacketBytes, frame)
      if (state === 'partial') return partials.begin(connection, bytes.subarray(at), frame.end - at)
      if (state === 'too-large') return tooLarge(connection, frame.end - at)
      if (state === 'malformed') return malformed(connection, 'a remaining length of over 4 bytes')
      const { end } = frame
      if (!dispatch(connection, chunk, at)) return gates.keepFirst(connection, chunk, at)
      at = end
    }
  }

  function complete(connection: Connection, chunk: ReadChunk): void {
    const { packet, used, refused } = partials.add(connection, chunk.bytes)
    if (refused !== null) return tooLarge(connection, refused)
    if (used < chunk.bytes.length) gates.keepFirst(connection, chunk, used)
    if (packet) walk(connection, { ...chunk, bytes: packet, borrowed: false })
  }

  /** False: the packet was not taken, and the connection is blocked. */
  function dispatch(connection: Connection, chunk: ReadChunk, at: number): boolean {
    if (connection.stage !== 'ready') return connect(connection, chunk, at)
    if (frame.type === PUBLISH) return publishes.publish(connection, frame, chunk)
    if (frame.type === PUBREL) return release(connection, chunk)
    if (!FOR_AEDES.has(frame.type)) {
      malformed(connection, `a packet of type ${frame.type}`)
      return true
    }
    if (connection.client._parsingBatch >= MOST_AT_AEDES) {
      gates.block(connection, 'busy')
      return false
    }
    connection.client._keepaliveTimer?.refresh()
    connection.client._parser.parse(forAedes(chunk, at))
    return true
  }

  /** The parser of Aedes keeps parts of what it gets. */
  function forAedes({ bytes, borrowed }: ReadChunk, at: number): Buffer {
    const packet = bytes.subarray(at, frame.end)
    return borrowed ? Buffer.from(packet) : packet
  }

  function connect(connection: Connection, chunk: ReadChunk, at: number): boolean {
    if (connection.stage !== 'new' || frame.type !== CONNECT) {
      malformed(connection, `a packet of type ${frame.type} before CONNECT`)
      return true
    }
    if (protocolLevelOf(chunk.bytes, frame) === 5) {
      refusals.note(
        connection,
        'protocol_version',
        'an MQTT 5 client came and MQTT 3.1.1 is expected; set the client to protocol version 4 (3.1.1)',
      )
      connection.stream.end(CONNACK_WRONG_VERSION, () => connection.stream.destroy())
      return true
    }
    connection.stage = 'connecting'
    gates.block(connection, 'connecting')
    connection.client._parser.parse(forAedes(chunk, at))
    return true
  }

  function release(connection: Connection, { bytes }: ReadChunk): boolean {
    if (frame.end - frame.bodyAt !== 2 || frame.flags !== 2) {
      malformed(connection, 'a malformed PUBREL')
      return true
    }
    connection.client._keepaliveTimer?.refresh()
    publishes.release(connection, bytes.readUInt16BE(frame.bodyAt))
    return true
  }

  function tooLarge(connection: Connection, length: number): void {
    refusals.close(
      connection,
      'packet_size',
      `a packet of ${length} bytes came and at most ${maxPacketBytes} are allowed; send smaller ` +
        'ones, or raise PADBORG_MQTT_MAX_PACKET_BYTES',
    )
  }

  function malformed(connection: Connection, what: string): void {
    refusals.close(connection, 'protocol', `expected MQTT 3.1.1, got ${what}; the client is broken`)
  }
}
