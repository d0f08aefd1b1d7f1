import { CONNACK_WRONG_VERSION, connectProblem, protocolLevelOf } from '#lib/mqtt/connect.ts'
import { countFilters } from '#lib/mqtt/filters.ts'
import { FrameReader, type FrameHandler } from '#lib/mqtt/frame-reader.ts'
import type { Frame } from '#lib/mqtt/frame.ts'
import { packetProblem } from '#lib/mqtt/packet-problem.ts'
import { CONNECT, PUBLISH, PUBREL, SUBSCRIBE, UNSUBSCRIBE } from '#lib/mqtt/packet-types.ts'
import type { ReadChunk } from '#lib/mqtt/unread.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Refusals } from '../access/refusals.ts'
import type { BrokerOptions } from '../options.ts'
import type { BackPressure } from './back-pressure.ts'
import type { Subscribing } from '../sessions/subscribing.ts'
import type { Connection } from './connection.ts'
import type { RateLimit } from './rate-limit.ts'

/** Takes the messages of publishers. */
export interface Publishes {
  /** False: not now; the connection is paused, and the packet comes again. */
  publish(connection: Connection, frame: Frame, chunk: ReadChunk): boolean
  /** The PUBREL of a QoS 2 message. */
  release(connection: Connection, messageId: number): void
}

export interface PacketReaderDeps {
  readonly clock: Clock
  readonly refusals: Refusals
  readonly backPressure: BackPressure
  readonly publishes: Publishes
  readonly rateLimit: RateLimit
  readonly subscribing: Subscribing
}

/** Packets that Aedes may work on at once for one client: a flood of subscribes waits here. */
export const MAX_AT_AEDES = 64

/** Of a client that has not signed in: nobody knows yet whose memory it takes. */
export const MAX_CONNECT_BYTES = 64 * 1024

/** Filters of one SUBSCRIBE or UNSUBSCRIBE: as many as a connection may have. */
export const MAX_FILTERS_PER_PACKET = 1000

/**
 * Reads MQTT packets from connections. Messages go straight to the message path, other packets whole
 * and in order to Aedes. A paused connection is not read; what it has sent stays in order.
 */
export class PacketReader implements FrameHandler<Connection> {
  readonly #deps: PacketReaderDeps
  readonly #maxPacketBytes: number
  readonly #frames: FrameReader<Connection>

  constructor(deps: PacketReaderDeps, { maxPacketBytes }: Pick<BrokerOptions, 'maxPacketBytes'>) {
    this.#deps = deps
    this.#maxPacketBytes = maxPacketBytes
    this.#frames = new FrameReader(this, { maxPacketBytes, headBytes: 0 })
  }

  /** Bytes from the socket; borrowed ones are overwritten after this call. */
  read(connection: Connection, bytes: Buffer, borrowed: boolean): void {
    const { clock } = this.#deps
    const receivedAtNs = clock.nowNs()
    const receivedMonoNs = clock.monoNs()
    this.#frames.read(connection, { bytes, receivedAtNs, receivedMonoNs, borrowed })
    if (connection.stage !== 'new' || connection.partialBytes <= MAX_CONNECT_BYTES) return
    const text = `expected a CONNECT of at most ${MAX_CONNECT_BYTES} bytes, got more; send a shorter one`
    this.#deps.refusals.close(connection, 'packet_size', text)
  }

  /** Continues with what waits. */
  resume(connection: Connection): void {
    this.#frames.resume(connection)
    if (connection.stage === 'closed') return
    const { ended, pausedBy } = connection
    if (ended && (pausedBy === null || pausedBy === 'journal')) connection.client.close()
    else if (pausedBy === null) connection.stream.resume()
  }

  /** The peer has sent its last byte. */
  end(connection: Connection): void {
    connection.ended = true
    // While the journal takes nothing, what was read but not handed over goes with its connection.
    const waits = connection.waiting.length > 0 && connection.pausedBy !== 'journal'
    if (!waits) connection.client.close()
  }

  isPaused(connection: Connection): boolean {
    return connection.pausedBy !== null
  }

  isClosed(connection: Connection): boolean {
    return connection.stage === 'closed' || connection.stream.destroyed
  }

  waits(connection: Connection): void {
    this.#deps.backPressure.stopSocketIfFull(connection)
  }

  take(connection: Connection, frame: Frame, chunk: ReadChunk): boolean {
    if (connection.stage !== 'ready') return this.#connect(connection, frame, chunk)
    if (frame.type === PUBLISH) return this.#deps.publishes.publish(connection, frame, chunk)
    const problem = packetProblem(chunk.bytes, frame)
    if (problem !== null) return this.#refuse(connection, problem)
    if (frame.type === PUBREL) return this.#release(connection, frame, chunk)
    if (connection.client._parsingBatch >= MAX_AT_AEDES) {
      this.#deps.backPressure.pause(connection, 'busy')
      return false
    }
    const takesFilters = frame.type === SUBSCRIBE || frame.type === UNSUBSCRIBE
    return takesFilters
      ? this.#takeFilters(connection, frame, chunk)
      : this.#hand(connection, frame, chunk)
  }

  /** Each filter costs as much as a message, and one SUBSCRIBE is worked on at a time. */
  #takeFilters(connection: Connection, frame: Frame, chunk: ReadChunk): boolean {
    const { rateLimit, subscribing } = this.#deps
    const filters = countFilters(chunk.bytes, frame) ?? 0
    if (filters > MAX_FILTERS_PER_PACKET) {
      const what = `a packet of ${filters} filters, above ${MAX_FILTERS_PER_PACKET}`
      return this.#refuse(connection, what)
    }
    const isSubscribe = frame.type === SUBSCRIBE
    if (isSubscribe && !subscribing.mayBegin(connection)) return false
    if (!rateLimit.take(connection, filters)) return false
    if (isSubscribe) subscribing.begin(connection)
    return this.#hand(connection, frame, chunk)
  }

  #hand(connection: Connection, frame: Frame, chunk: ReadChunk): true {
    connection.client._keepaliveTimer?.refresh()
    connection.client._parser.parse(bytesFor(frame, chunk))
    return true
  }

  tooLarge(connection: Connection, { at, end }: Frame): void {
    this.#deps.refusals.close(
      connection,
      'packet_size',
      `expected a packet of at most ${this.#maxPacketBytes} bytes, got ${end - at}; send smaller ` +
        'ones, or raise PADBORG_MQTT_MAX_PACKET_BYTES',
    )
  }

  malformed(connection: Connection): void {
    this.#refuse(connection, 'a remaining length of over 4 bytes')
  }

  #connect(connection: Connection, frame: Frame, chunk: ReadChunk): boolean {
    if (connection.stage !== 'new' || frame.type !== CONNECT) {
      return this.#refuse(connection, `a packet of type ${frame.type} before CONNECT`)
    }
    const level = protocolLevelOf(chunk.bytes, frame)
    if (level === null) return this.#refuse(connection, 'a CONNECT without its name [MQTT-3.1.2-1]')
    if (level !== 3 && level !== 4) return this.#refuseVersion(connection, level)
    const problem = connectProblem(chunk.bytes, frame)
    if (problem !== null) return this.#refuse(connection, problem)
    connection.stage = 'connecting'
    this.#deps.backPressure.pause(connection, 'connecting')
    connection.client._parser.parse(bytesFor(frame, chunk))
    return true
  }

  /** [MQTT-3.1.2-2]: a CONNACK gives the reason, then the connection is closed. */
  #refuseVersion(connection: Connection, level: number): true {
    const got = level === 5 ? 'MQTT 5' : `protocol level ${level}`
    const text = `expected MQTT 3.1.1, got ${got}; set the client to protocol version 4 (3.1.1)`
    this.#deps.refusals.note(connection, 'protocol_version', text)
    connection.stream.end(CONNACK_WRONG_VERSION, () => connection.stream.destroy())
    return true
  }

  #release(connection: Connection, { bodyAt }: Frame, { bytes }: ReadChunk): true {
    connection.client._keepaliveTimer?.refresh()
    this.#deps.publishes.release(connection, bytes.readUInt16BE(bodyAt))
    return true
  }

  /** True: the packet needs nothing more. */
  #refuse(connection: Connection, what: string): true {
    const text = `expected MQTT 3.1.1, got ${what}; correct the client`
    this.#deps.refusals.close(connection, 'protocol', text)
    return true
  }
}

/** The parser of Aedes keeps parts of what it is given. */
function bytesFor({ at, end }: Frame, { bytes, borrowed }: ReadChunk): Buffer {
  const packet = bytes.subarray(at, end)
  return borrowed ? Buffer.from(packet) : packet
}
