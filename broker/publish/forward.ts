import type { Metrics } from '#lib/runtime/metrics.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { IncomingMessage, Qos } from '#lib/telemetry/message.ts'
import type { Emitter } from '../aedes/emitter.ts'
import type { PublishTopic } from '../connections/connection.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Interest } from './interest.ts'

/** A message for subscribers. */
export interface Outgoing {
  /** Below its tenant. */
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
  /** Who published it, or whom it is for; '' where that is nobody. */
  readonly device: FullId
}

/** A message for subscribers; `borrowed` bytes are copied. */
export function outgoingOf(
  { scoped, device }: PublishTopic,
  { payload, qos, retain }: IncomingMessage,
  borrowed: boolean,
): Outgoing {
  const own = borrowed ? Buffer.from(payload) : payload
  return { topic: scoped, payload: own, qos, retain, device }
}

export interface ForwardDeps {
  readonly emitter: Emitter
  readonly sessions: Sessions
  readonly metrics: Metrics
  readonly interest: Interest
}

/** Aedes drops what is not numbered above the last message of the same origin as a duplicate. */
const ORIGIN = 'padborg'

/** Messages on their way to the sockets of subscribers; further ones are dropped and counted. */
const MAX_FORWARDING = 10_000

/** Brings messages to subscribers, if there are any. */
export class Forward {
  readonly #deps: ForwardDeps
  #counter = 0
  #inFlight = 0
  readonly #delivered = () => {
    this.#inFlight -= 1
  }

  constructor(deps: ForwardDeps) {
    this.#deps = deps
  }

  /** Whether a message on this topic would reach anybody. */
  isWanted(topic: PublishTopic, retain: boolean): boolean {
    const { emitter, sessions, interest } = this.#deps
    if (retain) return true
    if (topic.interestEpoch !== interest.epoch) {
      const { scoped } = topic
      topic.hasSubscribers = emitter.hasListeners(scoped) || sessions.hasSubscribers(scoped)
      topic.interestEpoch = interest.epoch
    }
    return topic.hasSubscribers
  }

  /**
   * Everything here happens in one turn. Aedes itself looks up stored subscriptions in a promise for
   * QoS 1 only, so that a later message of QoS 0 overtakes, and then drops the earlier one as a
   * duplicate.
   */
  send({ topic, payload, qos, retain, device }: Outgoing): void {
    const { emitter, sessions, metrics } = this.#deps
    if (retain) sessions.retain({ topic, payload, qos, device })
    if (this.#inFlight >= MAX_FORWARDING) {
      metrics.count('padborg_mqtt_shed_total', 1, { reason: 'forwarding' })
      return
    }
    this.#counter += 1
    const packet = {
      cmd: 'publish',
      brokerId: ORIGIN,
      brokerCounter: this.#counter,
      topic,
      payload,
      qos,
      retain,
      dup: false,
      messageId: undefined,
    } as const
    if (qos > 0) sessions.enqueue(packet)
    this.#inFlight += 1
    emitter.emit(packet, this.#delivered)
  }
}
