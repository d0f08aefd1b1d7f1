import type { Intake } from '#lib/telemetry/intake.ts'
import type { IncomingMessage, Qos } from '#lib/telemetry/message.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import type { Acks } from '../connections/acks.ts'
import type { Will } from '../aedes/aedes-client.ts'
import type { Answers } from '../replies/answers.ts'
import { type Connection, type ReadChunk, type TopicEntry } from '../connections/connection.ts'
import type { Forward } from './forward.ts'
import { PUBACK, PUBCOMP, PUBREC, type Frame } from '../frames.ts'
import type { Gates } from '../connections/gates.ts'
import type { Pacing } from '../connections/pacing.ts'
import type { Publishes } from '../connections/reader.ts'
import type { Refusals } from '../access/refusals.ts'
import { levelsOf } from '../access/tenant-topics.ts'
import type { TopicsOfConnections } from '../access/topics-of-connections.ts'

/**
 * The way of a message: rights, gates, intake, acknowledgement, subscribers. Aedes never sees it: its
 * chain of hooks costs as much as the socket, acknowledges before routing, and runs hooks of one client
 * concurrently.
 */
export interface MessagePath extends Publishes {
  /** The last will of a connection that broke; not acknowledged to anybody. */
  will(connection: Connection, will: Will): void
  /** Hands over the wills that waited for the journal, and reads on. */
  released(): void
  /** Messages given to the intake that are not durable yet. */
  readonly inFlight: number
  /** Resolves when all of them are, or the intake has given up. */
  settled(): Promise<void>
}

export interface MessagePathDeps {
  readonly intake: Intake
  readonly topics: TopicsOfConnections
  readonly pacing: Pacing
  readonly gates: Gates
  readonly acks: Acks
  readonly answers: Answers
  readonly forward: Forward
  readonly refusals: Refusals
  readonly metrics: Metrics
  readonly clock: Clock
}

export interface MessagePathOptions {
  readonly maxInFlight: number
  readonly maxInFlightPerClient: number
  readonly maxTopicLevels: number
}

interface Publish {
  readonly entry: TopicEntry
  readonly payload: Buffer
  readonly qos: Qos
  readonly retain: boolean
  readonly dup: boolean
  readonly messageId: number
}

/** QoS 2 messages of one client that wait for its PUBREL. */
const QOS2_WINDOW = 1000
/** Wills that wait while the journal is held. */
const MOST_WILLS = 20_000

export function createMessagePath(deps: MessagePathDeps, options: MessagePathOptions): MessagePath {
  const { intake, topics, pacing, gates, acks, answers, forward, refusals, metrics, clock } = deps
  const { maxInFlight, maxInFlightPerClient, maxTopicLevels } = options
  let inFlight = 0
  let waitingForRoom = false
  let wills: { connection: Connection; will: Will }[] = []
  let onSettled: (() => void)[] = []

  return {
    publish,
    release(connection, messageId) {
      connection.receivedIds?.delete(messageId)
      acks.add(connection, PUBCOMP, messageId)
    },
    will,
    released() {
      const waiting = wills
      wills = []
      for (const one of waiting) will(one.connection, one.will)
      gates.openAll('held')
    },
    get inFlight() {
      return inFlight
    },
    settled() {
      if (inFlight === 0) return Promise.resolve()
      return new Promise((resolve) => onSettled.push(resolve))
    },
  }

  function publish(connection: Connection, frame: Frame, chunk: ReadChunk): boolean {
    const { bytes } = chunk
    const { bodyAt, end, flags } = frame
    const qos = (flags >> 1) & 3
    const topicAt = bodyAt + 2
    const topicEnd = topicAt + (bodyAt + 2 <= end ? bytes.readUInt16BE(bodyAt) : 0)
    const payloadAt = topicEnd + (qos > 0 ? 2 : 0)
    if (qos === 3 || topicEnd === topicAt || payloadAt > end) return malformed(connection)
    const entry = topics.entryOf(connection, bytes, topicAt, topicEnd)
    if (entry.route === null) return refuse(connection, entry.topic)
    if (isStopped(connection, entry.route.role === 'intake')) return false
    connection.client._keepaliveTimer?.refresh()
    const messageId = qos > 0 ? bytes.readUInt16BE(topicEnd) : 0
    if (qos > 0 && messageId === 0) return malformed(connection)
    if (qos === 2 && isKnown(connection, messageId)) return true
    const message: Publish = {
      entry,
      payload: bytes.subarray(payloadAt, end),
      // 3 was refused above.
      qos: qos as Qos,
      retain: (flags & 1) === 1,
      dup: (flags & 8) === 8,
      messageId,
    }
    if (entry.route.role === 'intake') accept(connection, message, chunk)
    else answerAtOnce(connection, message, chunk)
    return true
  }

  /** Blocks the connection when its message cannot be taken now. */
  function isStopped(connection: Connection, isForIntake: boolean): boolean {
    if (isForIntake && intake.held) gates.block(connection, 'held')
    else if (inFlight >= maxInFlight) {
      waitingForRoom = true
      gates.block(connection, 'in_flight')
    } else if (connection.inFlight >= maxInFlightPerClient) gates.block(connection, 'in_flight')
    else if (!pacing.take(connection)) {
      gates.block(connection, 'rate')
      setTimeout(() => gates.open(connection, 'rate'), pacing.pauseMs).unref()
    } else return false
    return true
  }

  function accept(connection: Connection, publish: Publish, chunk: ReadChunk): void {
    const { entry, payload, qos, retain, dup, messageId } = publish
    const forwarded = retain || forward.isWanted(entry) ? kept(publish, chunk) : null
    const flight = { connection }
    if (qos === 2) connection.receivedIds?.set(messageId, flight)
    const message: IncomingMessage = {
      device: entry.route?.device ?? '',
      topic: entry.topic,
      payload,
      qos,
      retain,
      dup,
      will: false,
      receivedAtNs: chunk.atNs,
      receivedMonoNs: chunk.monoNs,
      origin: null,
    }
    inFlight += 1
    connection.inFlight += 1
    intake.accept(message, (error) => {
      landed(connection)
      // QoS 2: the client may have come back on another connection meanwhile.
      if (error) connection.stream.destroy()
      else acknowledge(flight.connection, qos, messageId)
      if (!error && forwarded) send(forwarded)
      if (inFlight === 0 && onSettled.length > 0) tellSettled()
    })
  }

  /** A message that outlives the read that brought it; the intake has its own copy of the bytes. */
  function kept(publish: Publish, { borrowed }: ReadChunk): Publish {
    return borrowed ? { ...publish, payload: Buffer.from(publish.payload) } : publish
  }

  function landed(connection: Connection): void {
    inFlight -= 1
    connection.inFlight -= 1
    if (connection.blocked === 'in_flight' && connection.inFlight <= maxInFlightPerClient / 2) {
      gates.open(connection, 'in_flight')
    }
    if (waitingForRoom && inFlight <= maxInFlight / 2) {
      waitingForRoom = false
      gates.openAll('in_flight')
    }
  }

  function acknowledge(connection: Connection, qos: Qos, messageId: number): void {
    if (qos === 1) acks.add(connection, PUBACK, messageId)
    if (qos !== 2) return
    connection.receivedIds?.set(messageId, null)
    acks.add(connection, PUBREC, messageId)
  }

  /** Commands, clock and probe: never journaled, acknowledged at once. */
  function answerAtOnce(connection: Connection, publish: Publish, chunk: ReadChunk): void {
    const { entry, qos, messageId, payload } = publish
    const { route } = entry
    if (route?.role === 'clock') answers.clock({ connection, device: route.device, payload }, chunk)
    else if (route?.role === 'probe') {
      answers.probe({ connection, device: route.device, payload }, chunk)
    } else if (route) {
      intake.command(route.device)
      metrics.count('padborg_commands_total')
      if (publish.retain || forward.isWanted(entry)) send(kept(publish, chunk))
    }
    acknowledge(connection, qos, messageId)
  }

  function send({ entry, payload, qos, retain }: Publish): void {
    forward.send({ topic: entry.scoped, payload, qos, retain })
  }

  /** [MQTT-4.3.3-2]: a QoS 2 message that is known is acknowledged again, not taken again. */
  function isKnown(connection: Connection, messageId: number): boolean {
    const ids = (connection.receivedIds ??= new Map())
    const flight = ids.get(messageId)
    if (flight === null) acks.add(connection, PUBREC, messageId)
    else if (flight) flight.connection = connection
    else if (ids.size < QOS2_WINDOW) return false
    else {
      refusals.close(
        connection,
        'qos2_window',
        `over ${QOS2_WINDOW} messages of QoS 2 wait for their PUBREL; the client must send it`,
      )
    }
    return true
  }

  function will(connection: Connection, given: Will): void {
    const entry = topics.entryOfText(connection, given.topic)
    if (entry.route === null) return
    if (intake.held) {
      if (wills.length < MOST_WILLS) wills.push({ connection, will: given })
      return
    }
    const payload = Buffer.from(given.payload)
    const { qos, retain } = given
    const publish = { entry, payload, qos, retain, dup: false, messageId: 0 }
    if (entry.route.role !== 'intake') return send(publish)
    inFlight += 1
    intake.accept(
      {
        device: entry.route.device,
        topic: entry.topic,
        payload,
        qos,
        retain,
        dup: false,
        will: true,
        receivedAtNs: clock.nowNs(),
        receivedMonoNs: clock.monoNs(),
        origin: null,
      },
      (error) => {
        inFlight -= 1
        if (!error && (retain || forward.isWanted(entry))) send(publish)
        if (inFlight === 0 && onSettled.length > 0) tellSettled()
      },
    )
  }

  function refuse(connection: Connection, topic: string): boolean {
    const levels = levelsOf(topic)
    if (levels > maxTopicLevels) {
      refusals.close(
        connection,
        'topic_levels',
        `a topic of ${levels} levels came and at most ${maxTopicLevels} are allowed; use a shorter ` +
          'one, or raise PADBORG_MQTT_MAX_TOPIC_LEVELS',
      )
      return true
    }
    refusals.close(
      connection,
      'topic',
      `this account may not publish on ${topic.slice(0, 200)}; see docs/devices.md, or register ` +
        'the topic with the device',
    )
    return true
  }

  function malformed(connection: Connection): boolean {
    refusals.close(connection, 'protocol', 'a malformed PUBLISH came; the client is broken')
    return true
  }

  function tellSettled(): void {
    const resolves = onSettled
    onSettled = []
    for (const resolve of resolves) resolve()
  }
}
