import type { Metrics } from '#lib/runtime/metrics.ts'
import type { TopicEntry } from '../connections/connection.ts'
import type { Emitter } from '../aedes/emitter.ts'
import type { Interest } from '../access/granted.ts'
import type { Sessions } from '../sessions/sessions.ts'

/** What goes to subscribers; the topic is scoped to its tenant. */
export interface Outgoing {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
}

/** Brings messages to subscribers, only if there are any. */
export interface Forward {
  /** Whether a message on this topic would reach anybody; remembered in the entry. */
  isWanted(entry: TopicEntry): boolean
  send(message: Outgoing): void
  /** Messages on their way to subscribers. */
  readonly inFlight: number
}

export interface ForwardDeps {
  readonly emitter: Emitter
  readonly sessions: Sessions
  readonly metrics: Metrics
  readonly interest: Interest
}

/** Aedes drops what is not numbered above the last message of the same origin as a duplicate. */
const ORIGIN = 'padborg'

/** Messages between here and the sockets of subscribers; above it they are shed, never queued. */
export const MOST_FORWARDING = 10_000

export function createForward(deps: ForwardDeps): Forward {
  const { emitter, sessions, metrics, interest } = deps
  let counter = 0
  let inFlight = 0
  const done = () => {
    inFlight -= 1
  }

  return {
    isWanted(entry) {
      if (entry.interestEpoch !== interest.epoch) {
        entry.interested = emitter.hasListeners(entry.scoped) || sessions.hasStored(entry.scoped)
        entry.interestEpoch = interest.epoch
      }
      return entry.interested
    },
    /**
     * Everything here happens in one turn. Aedes itself looks up stored subscriptions in a promise for
     * QoS 1 only, so that a later message of QoS 0 overtakes, and then drops the earlier one as a
     * duplicate.
     */
    send({ topic, payload, qos, retain }) {
      if (retain) sessions.retain(topic, payload, qos)
      if (inFlight >= MOST_FORWARDING) {
        metrics.count('padborg_mqtt_shed_total', 1, { reason: 'forwarding' })
        return
      }
      counter += 1
      const packet = {
        cmd: 'publish',
        brokerId: ORIGIN,
        brokerCounter: counter,
        topic,
        payload,
        qos,
        retain,
        dup: false,
        messageId: undefined,
      } as const
      if (qos > 0) sessions.enqueue(packet)
      inFlight += 1
      emitter.emit(packet, done)
    },
    get inFlight() {
      return inFlight
    },
  }
}
