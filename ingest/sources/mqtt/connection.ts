import type { Packet } from 'mqtt-packet'
import type { Clock } from '#lib/runtime/clock.ts'
import { systemCodeOf } from '#lib/runtime/errors.ts'
import { createAcks } from './acks.ts'
import { dial, socketReason, type DialOptions } from './dial.ts'
import { createFrameReader, type Frame } from './frame-reader.ts'
import type { Bringer } from './inbox.ts'
import { createKeepAlive, type KeepAlive } from './keep-alive.ts'
import {
  CONNACK,
  DISCONNECT,
  PINGREQ_BYTES,
  PINGRESP,
  PUBLISH,
  SUBACK,
  UNSUBACK,
  readControl,
  readDelivery,
  writeControl,
  writePublish,
  type Delivery,
  type ProtocolVersion,
} from './packets.ts'
import { connackReason, hex, reasonOf, type Reason } from './reasons.ts'

export interface ConnectionOptions extends DialOptions {
  readonly version: ProtocolVersion
  readonly clientId: string
  readonly keepAliveMs: number
  readonly sessionExpirySeconds: number
  readonly receiveMaximum: number
  readonly maxPacketBytes: number
  readonly connectTimeoutMs: number
}

export interface ConnectionEvents {
  /** False: not now; `resume` brings it again. */
  deliver(delivery: Delivery, from: Bringer): boolean
  /** A message larger than we take; its payload is not there. */
  oversized(delivery: Delivery): void
}

/** What the broker says when it lets us in. */
export interface Welcome {
  readonly sessionPresent: boolean
  readonly sharedAvailable: boolean
}

export interface Ending extends Reason {
  /** The peer took the connection and closed it without a word in answer to CONNECT. */
  readonly silent: boolean
}

/**
 * One connection to the foreign broker, from its socket to its end. Life cycle: `opened` resolves
 * with null when it ends before it is let in; after `ended` nothing is delivered or written.
 */
export interface Connection extends Bringer {
  readonly opened: Promise<Welcome | null>
  readonly ended: Promise<Ending>
  /** The reason code of each filter; null when the connection ends first. */
  subscribe(filters: readonly string[]): Promise<readonly number[] | null>
  unsubscribe(filters: readonly string[]): Promise<boolean>
  /** False: the broker does not read at the moment, and the message is not sent. */
  publish(topic: string, payload: string): boolean
  resume(): void
  /** Reads no more, acknowledges what becomes durable until `until` resolves, and says good-bye. */
  close(until: (openAcks: () => number) => Promise<void>): Promise<void>
}

const FAREWELL_MS = 1000
/** A peer that closes before it has read everything resets the connection. */
const RESETS: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE'])
const NORMAL_DISCONNECTION = Buffer.from([0xe0, 0])
/** Filters of one SUBSCRIBE: some brokers limit its size. */
const FILTERS_AT_ONCE = 100

export function openConnection(
  options: ConnectionOptions,
  events: ConnectionEvents,
  clock: Clock,
): Connection {
  const { version, maxPacketBytes, connectTimeoutMs } = options
  const opened = Promise.withResolvers<Welcome | null>()
  const ended = Promise.withResolvers<Ending>()
  const answers = new Map<number, (packet: Packet | null) => void>()
  let keepAlive: KeepAlive | null = null
  let lastId = 0
  let wasReady = false
  let welcomed = false
  let wasReset = false
  let reason: Reason | null = null
  const socket = dial(options, () => {
    wasReady = true
    write(connectPacket(options))
  })
  const acks = createAcks(write)
  const bringer: Bringer = {
    expectAck: (messageId) => acks.expect(messageId),
    fail: () => end({ text: 'the intake is closing', sort: 'passing' }),
  }
  const frames = createFrameReader(clock, maxPacketBytes, {
    take,
    oversized,
    malformed: () => end({ text: 'it does not speak MQTT', sort: 'passing' }),
  })
  const timeout = setTimeout(() => {
    const text = `it did not answer within ${connectTimeoutMs} ms`
    if (!welcomed) end({ text, sort: 'passing' })
  }, connectTimeoutMs)
  socket.on('data', (bytes: Buffer) => {
    keepAlive?.received()
    frames.read(bytes)
    if (frames.blocked) socket.pause()
  })
  socket.on('error', (error) => {
    wasReset = RESETS.has(systemCodeOf(error))
    reason ??= socketReason(error)
  })
  socket.on('close', finish)

  return {
    ...bringer,
    opened: opened.promise,
    ended: ended.promise,
    subscribe,
    unsubscribe,
    publish(topic, payload) {
      if (!welcomed || !socket.writable || socket.writableNeedDrain) return false
      write(writePublish(topic, payload, version))
      return true
    },
    resume() {
      if (!frames.blocked) return
      frames.resume()
      if (!frames.blocked) socket.resume()
    },
    async close(until) {
      frames.stop()
      // What still comes is thrown away unread: unread bytes would turn the end into a reset.
      socket.resume()
      await until(() => acks.open)
      acks.flush()
      reason ??= { text: 'this platform is closing', sort: 'passing' }
      if (!welcomed) socket.destroy()
      write(NORMAL_DISCONNECTION)
      const farewell = setTimeout(() => socket.destroy(), FAREWELL_MS)
      socket.end()
      await ended.promise
      clearTimeout(farewell)
    },
  }

  function write(bytes: Buffer): void {
    if (!socket.writable) return
    socket.write(bytes)
    keepAlive?.sent()
  }

  function end(why: Reason): void {
    reason ??= why
    frames.stop()
    socket.destroy()
  }

  function finish(): void {
    clearTimeout(timeout)
    keepAlive?.stop()
    frames.stop()
    opened.resolve(null)
    for (const answer of answers.values()) answer(null)
    answers.clear()
    const silent = (reason === null || wasReset) && wasReady && !welcomed
    const text = silent ? 'it closed the connection without an answer' : 'it closed the connection'
    ended.resolve({ ...(reason ?? { text, sort: 'passing' }), silent })
  }

  function take(frame: Frame): boolean {
    if (frame.type === PUBLISH && welcomed) return takePublish(frame)
    if (frame.type === CONNACK && !welcomed) takeConnack(frame)
    else if (frame.type === SUBACK || frame.type === UNSUBACK) takeAnswer(frame)
    else if (frame.type === DISCONNECT && version === 5) takeDisconnect(frame)
    else if (frame.type !== PINGRESP) unexpected(`a packet of type ${frame.type}`)
    return true
  }

  function takePublish(frame: Frame): boolean {
    const delivery = readDelivery(frame, version)
    if (!delivery) unexpected('a malformed PUBLISH')
    // We subscribe with QoS 1: nothing may come with more ([MQTT-3.8.4-6]).
    else if (delivery.qos === 2) unexpected('a message of QoS 2 for a subscription of QoS 1')
    else return events.deliver(delivery, bringer)
    return true
  }

  function oversized(frame: Frame): void {
    const delivery = frame.type === PUBLISH ? readDelivery(frame, version) : null
    if (!delivery) return unexpected('a packet over the limit that is no message')
    events.oversized(delivery)
    if (delivery.qos > 0) acks.expect(delivery.messageId)()
  }

  function takeConnack(frame: Frame): void {
    const { bytes, bodyAt, end: frameEnd } = frame
    const refusal = connackReason(bytes[bodyAt + 1] ?? 0x80, version, frameEnd - bodyAt)
    if (refusal) return end(refusal)
    const packet = readControl(frame, version)
    if (packet?.cmd !== 'connack') return unexpected('a malformed CONNACK')
    const { serverKeepAlive, sharedSubscriptionAvailable } = packet.properties ?? {}
    welcomed = true
    clearTimeout(timeout)
    keepAlive = createKeepAlive({
      keepAliveMs: serverKeepAlive ? serverKeepAlive * 1000 : options.keepAliveMs,
      monoNs: () => clock.monoNs(),
      isReading: () => !frames.blocked,
      ping: () => write(PINGREQ_BYTES),
      dead: () => end({ text: 'nothing came from it for the keep-alive', sort: 'passing' }),
    })
    opened.resolve({
      sessionPresent: packet.sessionPresent,
      sharedAvailable: sharedSubscriptionAvailable !== false,
    })
  }

  function takeAnswer(frame: Frame): void {
    const packet = readControl(frame, version)
    const answer = answers.get(packet?.messageId ?? 0)
    if (!packet || !answer) return unexpected('an answer to nothing we asked')
    answers.delete(packet.messageId ?? 0)
    answer(packet)
  }

  function takeDisconnect(frame: Frame): void {
    const code = frame.end > frame.bodyAt ? (frame.bytes[frame.bodyAt] ?? 0) : 0
    const { text, sort } = reasonOf(code)
    end({ text: `${text} (DISCONNECT ${hex(code)})`, sort })
  }

  function unexpected(what: string): void {
    end({ text: `it sent ${what}`, sort: 'passing' })
  }

  async function subscribe(filters: readonly string[]): Promise<readonly number[] | null> {
    const codes: number[] = []
    for (let at = 0; at < filters.length; at += FILTERS_AT_ONCE) {
      // Retained messages only where the subscription is new, and marked as they were published.
      const how = version === 5 ? { rap: true, rh: 1 } : {}
      const subscriptions = filters
        .slice(at, at + FILTERS_AT_ONCE)
        .map((topic) => ({ topic, qos: 1 as const, ...how }))
      const answer = await ask((messageId) => ({ cmd: 'subscribe', messageId, subscriptions }))
      if (answer?.cmd !== 'suback') return null
      codes.push(...answer.granted.map(Number))
    }
    return codes
  }

  async function unsubscribe(filters: readonly string[]): Promise<boolean> {
    for (let at = 0; at < filters.length; at += FILTERS_AT_ONCE) {
      const unsubscriptions = filters.slice(at, at + FILTERS_AT_ONCE)
      const answer = await ask((messageId) => ({ cmd: 'unsubscribe', messageId, unsubscriptions }))
      if (!answer) return false
    }
    return true
  }

  function ask(packet: (messageId: number) => Packet): Promise<Packet | null> {
    lastId = (lastId % 65_535) + 1
    const messageId = lastId
    return new Promise((resolve) => {
      if (!socket.writable) return resolve(null)
      answers.set(messageId, resolve)
      write(writeControl(packet(messageId), version))
    })
  }
}

function connectPacket(options: ConnectionOptions): Buffer {
  const { version, clientId, keepAliveMs, address, sessionExpirySeconds } = options
  const { receiveMaximum, maxPacketBytes } = options
  const { username, password } = address
  const properties = {
    sessionExpiryInterval: sessionExpirySeconds,
    receiveMaximum,
    maximumPacketSize: maxPacketBytes,
  }
  return writeControl(
    {
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: version,
      clean: false,
      clientId,
      keepalive: Math.max(1, Math.ceil(keepAliveMs / 1000)),
      ...(username === null ? {} : { username }),
      ...(password === null ? {} : { password: Buffer.from(password) }),
      ...(version === 5 ? { properties } : {}),
    },
    version,
  )
}
