import { PUBACK } from '#lib/mqtt/packet-types.ts'
import type { Frame } from '#lib/mqtt/frame.ts'
import { createPublishParts, readPublish } from '#lib/mqtt/publish.ts'
import { isString } from '#lib/mqtt/strings.ts'
import type { ReadChunk } from '#lib/mqtt/unread.ts'
import type { Route } from '#lib/registry/topics/directory.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import type { Intake } from '#lib/telemetry/intake.ts'
import { incomingMessage, type IncomingMessage, type Qos } from '#lib/telemetry/message.ts'
import type { PublishRights } from '../access/publish-rights.ts'
import type { Refusals } from '../access/refusals.ts'
import { levelsOf } from '../access/tenant-topics.ts'
import type { Acks } from '../connections/acks.ts'
import type { BackPressure } from '../connections/back-pressure.ts'
import type { Connection, PublishTopic, UnfinishedMessage } from '../connections/connection.ts'
import type { Publishes } from '../connections/packet-reader.ts'
import type { RateLimit } from '../connections/rate-limit.ts'
import type { TenantTurns } from '../connections/tenant-turns.ts'
import type { DeviceReplies } from '../replies/device-replies.ts'
import { outgoingOf, type Forward, type Outgoing } from './forward.ts'
import type { InFlight } from './in-flight.ts'
import type { Qos2Messages } from './qos2-messages.ts'

export interface MessagePathDeps {
  readonly intake: Intake
  readonly rights: PublishRights
  readonly rateLimit: RateLimit
  readonly turns: TenantTurns
  readonly backPressure: BackPressure
  readonly inFlight: InFlight
  readonly acks: Acks
  readonly qos2: Qos2Messages
  readonly replies: DeviceReplies
  readonly forward: Forward
  readonly refusals: Refusals
  readonly metrics: Metrics
  readonly maxTopicLevels: number
}

/** Characters of a topic in a log line. */
const MAX_SHOWN = 200

/** A message between the intake and its acknowledgement. */
interface Flight extends UnfinishedMessage {
  readonly qos: Qos
  readonly messageId: number
  /** Null: there are no subscribers. */
  readonly forwarded: Outgoing | null
}

/**
 * The way of a PUBLISH: rights, back-pressure, intake, acknowledgement, subscribers. Aedes never sees
 * it: its chain of hooks costs as much as the socket, acknowledges before routing, and runs hooks of
 * one client concurrently.
 */
export class MessagePath implements Publishes {
  readonly #deps: MessagePathDeps
  readonly #parts = createPublishParts()

  constructor(deps: MessagePathDeps) {
    this.#deps = deps
  }

  publish(connection: Connection, frame: Frame, chunk: ReadChunk): boolean {
    const { rights, qos2 } = this.#deps
    const { bytes, borrowed } = chunk
    const parts = this.#parts
    if (!readPublish(bytes, frame, 4, parts)) return this.#refuseMalformed(connection)
    // [MQTT-3.3.1-2]: a message of QoS 0 is never sent again.
    if (parts.dup && parts.qos === 0) return this.#refuseMalformed(connection)
    const topic = rights.topicAt(connection, bytes, parts.topicAt, parts.topicEnd)
    if (topic.route === null) return this.#refuseTopic(connection, topic)
    if (!this.#mayTake(connection, topic.route)) return false
    connection.client._keepaliveTimer?.refresh()
    const { messageId } = parts
    if (parts.qos === 2 && qos2.isKnown(connection, messageId)) return true
    const payload = bytes.subarray(parts.payloadAt, frame.end)
    const message = incomingMessage(topic, payload, parts, chunk)
    const forwarded = this.#forwarded(topic, message, borrowed)
    const flight: Flight = { connection, qos: parts.qos, messageId, forwarded }
    if (topic.route.role === 'intake') this.#journal(message, flight)
    else this.#handleAtOnce(topic.route, message, flight)
    return true
  }

  release(connection: Connection, messageId: number): void {
    this.#deps.qos2.release(connection, messageId)
  }

  /** Pauses the connection when its message cannot be taken now. */
  #mayTake(connection: Connection, { role }: Route): boolean {
    const { intake, inFlight, rateLimit, turns, backPressure } = this.#deps
    if (role === 'intake' && intake.paused) {
      backPressure.pause(connection, 'journal')
      return false
    }
    return inFlight.hasRoomFor(connection) && turns.take(connection) && rateLimit.take(connection)
  }

  /** What subscribers get; made now, because the bytes may be overwritten after this turn. */
  #forwarded(topic: PublishTopic, message: IncomingMessage, borrowed: boolean): Outgoing | null {
    const isWanted = isForwarded(topic.route) && this.#deps.forward.isWanted(topic, message.retain)
    return isWanted ? outgoingOf(topic, message, borrowed) : null
  }

  #journal(message: IncomingMessage, flight: Flight): void {
    const { intake, inFlight, qos2 } = this.#deps
    const publisher = flight.connection
    if (flight.qos === 2) qos2.begin(flight, flight.messageId)
    inFlight.add(publisher)
    intake.accept(message, (error) => {
      inFlight.remove(publisher)
      if (error) publisher.stream.destroy()
      else this.#complete(flight)
    })
  }

  /** Commands, clock and probe requests are never journaled. */
  #handleAtOnce(route: Route, message: IncomingMessage, flight: Flight): void {
    const { intake, replies, metrics } = this.#deps
    if (route.role === 'clock') replies.clock(flight.connection, message)
    else if (route.role === 'probe') replies.probe(flight.connection, message)
    else {
      intake.command(route.device)
      metrics.count('padborg_commands_total')
    }
    this.#complete(flight)
  }

  #complete({ connection, qos, messageId, forwarded }: Flight): void {
    const { acks, qos2, forward } = this.#deps
    if (qos === 1) acks.add(connection, PUBACK, messageId)
    else if (qos === 2) qos2.acknowledge(connection, messageId)
    if (forwarded) forward.send(forwarded)
  }

  /** True: the packet needs nothing more. */
  #refuseTopic(connection: Connection, { topic, bytes }: PublishTopic): true {
    const { refusals, maxTopicLevels } = this.#deps
    if (!isString(bytes)) return this.#refuseMalformed(connection)
    const levels = levelsOf(topic)
    if (levels > maxTopicLevels) {
      const text =
        `expected a topic of at most ${maxTopicLevels} levels, got ${levels}; use a shorter one, or ` +
        'raise PADBORG_MQTT_MAX_TOPIC_LEVELS'
      refusals.close(connection, 'topic_levels', text)
    } else {
      const text =
        `this account may not publish on ${topic.slice(0, MAX_SHOWN)}; see docs/devices.md, or ` +
        'register the topic with the device'
      refusals.close(connection, 'topic', text)
    }
    return true
  }

  #refuseMalformed(connection: Connection): true {
    const text = 'expected a PUBLISH of MQTT 3.1.1, got a malformed one; correct the client'
    this.#deps.refusals.close(connection, 'protocol', text)
    return true
  }
}

/** Clock and probe requests are answered, and reach nobody else. */
function isForwarded(route: Route | null): boolean {
  return route?.role === 'intake' || route?.role === 'command'
}
