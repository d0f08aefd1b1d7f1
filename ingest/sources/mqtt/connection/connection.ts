import type { Socket } from 'node:net'
import { DISCONNECT_PACKET, PINGREQ_PACKET, readControl } from '#lib/mqtt/control-packets.ts'
import { FrameReader, type FrameHandler } from '#lib/mqtt/frame-reader.ts'
import type { Frame } from '#lib/mqtt/frame.ts'
import { CONNACK, DISCONNECT, PINGRESP, PUBLISH, SUBACK, UNSUBACK } from '#lib/mqtt/packet-types.ts'
import {
  createPublishParts,
  readPublish,
  writePublish,
  type PublishParts,
} from '#lib/mqtt/publish.ts'
import { createUnread, forget, type ReadChunk, type Unread } from '#lib/mqtt/unread.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import { systemCodeOf } from '#lib/runtime/errors.ts'
import type { MqttSettings } from '../options.ts'
import { ClientRequests } from './client-requests.ts'
import { connectPacket, type ConnectOptions } from './connect-packet.ts'
import { dial, socketReason, type DialOptions } from './dial.ts'
import { KeepAlive } from './keep-alive.ts'
import { OrderedAcks } from './ordered-acks.ts'
import { connackReason, hex, reasonOf, retryable, type Reason } from './reasons.ts'

export interface ConnectionOptions
  extends DialOptions, ConnectOptions, Pick<MqttSettings, 'connectTimeoutMs'> {}

export interface ConnectionEvents {
  /** False: not now; `resume` brings it again. */
  deliver(parts: PublishParts, frame: Frame, chunk: ReadChunk, from: Connection): boolean
  /** A message over the limit; its payload is not there. */
  oversized(topic: string): void
}

/** What the broker says when it accepts the connection. */
export interface Welcome {
  readonly sessionPresent: boolean
  readonly sharedAvailable: boolean
}

export interface Ending extends Reason {
  /** The peer accepted the socket and closed it without answering CONNECT. */
  readonly silent: boolean
}

/** How long the socket may take to send the last acknowledgements. */
const FLUSH_MS = 1000
/** A peer that closes before it has read everything resets the connection. */
const RESETS: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE'])
/** What is wanted of a packet over the limit: header, topic and message id of the longest topic. */
const HEAD_BYTES = 5 + 2 + 65_535 + 2

/**
 * One connection to the foreign broker, from its socket to its end. Life cycle: `opened` resolves
 * with null when it ends before the broker accepts it; after `ended` nothing is delivered or written.
 */
export class Connection implements FrameHandler<Unread> {
  readonly #options: ConnectionOptions
  readonly #events: ConnectionEvents
  readonly #clock: Clock
  readonly #socket: Socket
  readonly #opened = Promise.withResolvers<Welcome | null>()
  readonly #ended = Promise.withResolvers<Ending>()
  readonly #acks = new OrderedAcks((bytes) => this.#write(bytes))
  readonly #requests: ClientRequests
  readonly #unread = createUnread()
  readonly #frames: FrameReader<Unread>
  readonly #parts = createPublishParts()
  readonly #timeout: NodeJS.Timeout
  #keepAlive: KeepAlive | null = null
  #stage: 'dialing' | 'connecting' | 'open' = 'dialing'
  #isPaused = false
  #isStopped = false
  #wasReset = false
  #reason: Reason | null = null

  constructor(options: ConnectionOptions, events: ConnectionEvents, clock: Clock) {
    const { version, maxPacketBytes, connectTimeoutMs } = options
    this.#options = options
    this.#events = events
    this.#clock = clock
    this.#requests = new ClientRequests(version, (bytes) => this.#write(bytes))
    this.#frames = new FrameReader(this, { maxPacketBytes, headBytes: HEAD_BYTES })
    this.#socket = dial(options, () => this.#connect())
    this.#timeout = setTimeout(() => {
      if (this.#stage !== 'open') this.#end(`it did not answer within ${connectTimeoutMs} ms`)
    }, connectTimeoutMs)
    this.#listen()
  }

  get opened(): Promise<Welcome | null> {
    return this.#opened.promise
  }

  get ended(): Promise<Ending> {
    return this.#ended.promise
  }

  get requests(): Pick<ClientRequests, 'subscribe' | 'unsubscribe'> {
    return this.#requests
  }

  /** Call the result when the message may be acknowledged; QoS 0 needs none. */
  expectAck(messageId: number): () => void {
    return this.#acks.expect(messageId)
  }

  /** The intake is closing: the connection ends, and nothing more of it is acknowledged. */
  intakeFailed(): void {
    this.#end('the intake is closing')
  }

  /** False: the broker does not read at the moment, and the message is not sent. */
  publish(topic: string, payload: string): boolean {
    const { writable, writableNeedDrain } = this.#socket
    if (this.#stage !== 'open' || !writable || writableNeedDrain) return false
    return this.#write(writePublish(topic, payload, this.#options.version))
  }

  /** Brings again what was not taken. */
  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#frames.resume(this.#unread)
    if (!this.isPaused()) this.#socket.resume()
  }

  /** Reads no more, acknowledges what becomes durable until `drained` resolves, and disconnects. */
  async close(drained: Promise<void>): Promise<void> {
    this.#stop()
    // What still comes is thrown away unread: unread bytes would turn the end into a reset.
    this.#socket.resume()
    await drained
    this.#acks.flush()
    this.#reason ??= retryable('this platform is closing')
    if (this.#stage !== 'open') this.#socket.destroy()
    this.#write(DISCONNECT_PACKET)
    const late = setTimeout(() => this.#socket.destroy(), FLUSH_MS)
    this.#socket.end()
    await this.ended
    clearTimeout(late)
  }

  take(_unread: Unread, frame: Frame, chunk: ReadChunk): boolean {
    const isOpen = this.#stage === 'open'
    if (frame.type === PUBLISH && isOpen) return this.#takePublish(frame, chunk)
    if (frame.type === CONNACK && !isOpen) this.#takeConnack(frame, chunk.bytes)
    else if (frame.type === SUBACK || frame.type === UNSUBACK) this.#takeAnswer(frame, chunk.bytes)
    else if (frame.type === DISCONNECT && this.#options.version === 5) {
      this.#takeDisconnect(frame, chunk.bytes)
    } else if (frame.type !== PINGRESP) this.#unexpected(`a packet of type ${frame.type}`)
    return true
  }

  tooLarge(_unread: Unread, frame: Frame, { bytes }: ReadChunk): void {
    const parts = this.#parts
    const isMessage =
      frame.type === PUBLISH && readPublish(bytes, frame, this.#options.version, parts)
    if (!isMessage) return this.#unexpected('a packet over the limit that is no message')
    this.#events.oversized(bytes.toString('utf8', parts.topicAt, parts.topicEnd))
    if (parts.qos > 0) this.#acks.expect(parts.messageId)()
  }

  malformed(): void {
    this.#end('it does not speak MQTT')
  }

  isPaused(): boolean {
    return this.#isPaused
  }

  isClosed(): boolean {
    return this.#isStopped
  }

  waits(): void {
    this.#socket.pause()
  }

  #connect(): void {
    this.#stage = 'connecting'
    this.#write(connectPacket(this.#options))
  }

  #listen(): void {
    const socket = this.#socket
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    socket.on('error', (error) => {
      this.#wasReset = RESETS.has(systemCodeOf(error))
      this.#reason ??= socketReason(error)
    })
    socket.on('close', () => this.#finish())
  }

  #read(bytes: Buffer): void {
    this.#keepAlive?.received()
    if (this.#isStopped) return
    const receivedAtNs = this.#clock.nowNs()
    const receivedMonoNs = this.#clock.monoNs()
    this.#frames.read(this.#unread, { bytes, receivedAtNs, receivedMonoNs, borrowed: false })
  }

  /** False: nothing can be written any more. */
  #write(bytes: Buffer): boolean {
    if (!this.#socket.writable) return false
    this.#socket.write(bytes)
    this.#keepAlive?.sent()
    return true
  }

  #end(why: Reason | string): void {
    this.#reason ??= typeof why === 'string' ? retryable(why) : why
    this.#stop()
    this.#socket.destroy()
  }

  #unexpected(what: string): void {
    this.#end(`it sent ${what}`)
  }

  #stop(): void {
    this.#isStopped = true
    forget(this.#unread)
  }

  #finish(): void {
    clearTimeout(this.#timeout)
    this.#keepAlive?.stop()
    this.#stop()
    this.#opened.resolve(null)
    this.#requests.close()
    const isUnexplained = this.#reason === null || this.#wasReset
    const silent = isUnexplained && this.#stage === 'connecting'
    const text = silent ? 'it closed the connection without an answer' : 'it closed the connection'
    this.#ended.resolve({ ...(this.#reason ?? retryable(text)), silent })
  }

  #takePublish(frame: Frame, chunk: ReadChunk): boolean {
    const parts = this.#parts
    if (!readPublish(chunk.bytes, frame, this.#options.version, parts)) {
      this.#unexpected('a malformed PUBLISH')
    } else if (parts.qos === 2) {
      // We subscribe with QoS 1: nothing may come with more ([MQTT-3.8.4-6]).
      this.#unexpected('a message of QoS 2 for a subscription of QoS 1')
    } else {
      this.#isPaused = !this.#events.deliver(parts, frame, chunk, this)
      return !this.#isPaused
    }
    return true
  }

  #takeConnack(frame: Frame, bytes: Buffer): void {
    const { version, keepAliveMs } = this.#options
    const { bodyAt, end } = frame
    const refusal = connackReason(bytes[bodyAt + 1] ?? 0x80, version, end - bodyAt)
    if (refusal) return this.#end(refusal)
    const packet = readControl(bytes, frame, version)
    if (packet?.cmd !== 'connack') return this.#unexpected('a malformed CONNACK')
    const { serverKeepAlive, sharedSubscriptionAvailable } = packet.properties ?? {}
    this.#stage = 'open'
    clearTimeout(this.#timeout)
    this.#startKeepAlive(serverKeepAlive ? serverKeepAlive * 1000 : keepAliveMs)
    this.#opened.resolve({
      sessionPresent: packet.sessionPresent,
      sharedAvailable: sharedSubscriptionAvailable !== false,
    })
  }

  #startKeepAlive(keepAliveMs: number): void {
    this.#keepAlive = new KeepAlive({
      keepAliveMs,
      monoNs: () => this.#clock.monoNs(),
      isReading: () => !this.#isPaused,
      ping: () => this.#write(PINGREQ_PACKET),
      onSilent: () => this.#end('nothing came from it for the keep-alive'),
    })
  }

  #takeAnswer(frame: Frame, bytes: Buffer): void {
    const packet = readControl(bytes, frame, this.#options.version)
    if (!this.#requests.answered(packet)) this.#unexpected('an answer to nothing that was sent')
  }

  #takeDisconnect({ bodyAt, end }: Frame, bytes: Buffer): void {
    const code = end > bodyAt ? (bytes[bodyAt] ?? 0) : 0
    const reason = reasonOf(code)
    this.#end({ ...reason, text: `${reason.text} (DISCONNECT ${hex(code)})` })
  }
}
