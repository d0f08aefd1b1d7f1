import type { Metrics } from '#lib/runtime/metrics.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { IncomingMessage, Qos } from '#lib/telemetry/message.ts'
import type { Deliver, Emitter, ForwardPacket } from '../aedes/emitter.ts'
import type { PublishTopic } from '../connections/connection.ts'
import { TurnShares } from '../connections/turn-shares.ts'
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

/** Messages on their way to subscribers: of a tenant, and of all. Further ones are dropped and counted. */
export const MAX_FORWARDING = { ofTenant: 10_000, ofAll: 40_000 } as const

/** Messages times subscribers in one turn of the event loop; the rest follows in the next ones. */
export const DELIVERIES_PER_TURN = { ofTenant: 2000, ofAll: 4000, atLeast: 50 } as const

interface Delivery {
  readonly packet: ForwardPacket
  readonly subscribers: readonly Deliver[]
  /** The first subscriber that it has not gone to. */
  at: number
  /** Subscribers that have not taken it. */
  left: number
}

/** Messages of one tenant, in order. */
interface TenantForwarding {
  inFlight: number
  readonly waiting: Set<Delivery>
}

/** Brings messages to subscribers, if there are any. */
export class Forward {
  readonly #deps: ForwardDeps
  readonly #tenants = new Map<string, TenantForwarding>()
  readonly #shares = new TurnShares(DELIVERIES_PER_TURN, () => this.#next())
  #counter = 0
  #inFlight = 0

  constructor(deps: ForwardDeps) {
    this.#deps = deps
  }

  /** Whether a message on this topic would reach anybody. */
  isWanted(topic: PublishTopic, retain: boolean): boolean {
    const { emitter, sessions, interest } = this.#deps
    if (retain) return true
    if (topic.interestEpoch !== interest.epoch) {
      const { scoped } = topic
      topic.hasSubscribers =
        emitter.subscribersOf(scoped).length > 0 || sessions.hasSubscribers(scoped)
      topic.interestEpoch = interest.epoch
    }
    return topic.hasSubscribers
  }

  /**
   * Everything up to the queue of the tenant happens in one turn, and that queue keeps the order. Aedes
   * itself looks up stored subscriptions in a promise for QoS 1 only, so that a later message of QoS 0
   * overtakes, and then drops the earlier one as a duplicate.
   */
  send({ topic, payload, qos, retain, device }: Outgoing): void {
    const { emitter, sessions, metrics } = this.#deps
    if (retain) sessions.retain({ topic, payload, qos, device })
    const tenant = topic.slice(0, topic.indexOf('/'))
    const forwarding = this.#tenants.get(tenant) ?? { inFlight: 0, waiting: new Set() }
    if (forwarding.inFlight >= MAX_FORWARDING.ofTenant || this.#inFlight >= MAX_FORWARDING.ofAll) {
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
      // [MQTT-3.3.1-9]: to those who subscribe already it is a message like any other.
      retain: false,
      dup: false,
      messageId: undefined,
    } as const
    if (qos > 0) sessions.enqueue(packet)
    const subscribers = emitter.subscribersOf(topic)
    if (subscribers.length === 0) return
    this.#tenants.set(tenant, forwarding)
    forwarding.inFlight += 1
    this.#inFlight += 1
    forwarding.waiting.add({ packet, subscribers, at: 0, left: subscribers.length })
    if (forwarding.waiting.size === 1) this.#deliver(tenant, forwarding)
  }

  /** As much as the tenant may have of this turn. */
  #deliver(tenant: string, forwarding: TenantForwarding): void {
    for (const delivery of forwarding.waiting) {
      const { packet, subscribers } = delivery
      const left = this.#shares.leftFor(tenant)
      if (left <= 0) return
      const end = Math.min(subscribers.length, delivery.at + left)
      this.#shares.take(tenant, end - delivery.at)
      const taken = () => this.#taken(tenant, forwarding, delivery)
      for (const deliver of subscribers.slice(delivery.at, end)) deliver(packet, taken)
      delivery.at = end
      if (end < subscribers.length) return
      forwarding.waiting.delete(delivery)
    }
  }

  #taken(tenant: string, forwarding: TenantForwarding, delivery: Delivery): void {
    delivery.left -= 1
    if (delivery.left > 0) return
    forwarding.inFlight -= 1
    this.#inFlight -= 1
    if (forwarding.inFlight === 0) this.#tenants.delete(tenant)
  }

  #next(): void {
    for (const [tenant, forwarding] of this.#tenants) {
      if (forwarding.waiting.size > 0) this.#deliver(tenant, forwarding)
    }
  }
}
