import type { Metrics } from '#lib/runtime/metrics.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { ForwardPacket } from '../aedes/emitter.ts'
import { OfflineBytes, OfflineQueue } from './offline-queue.ts'
import { RetainedMessages } from './retained-messages.ts'
import type { RetainedMessage, SessionFile } from './session-file.ts'
import { StoredSubscriptions } from './stored-subscriptions.ts'

export interface SessionsDeps {
  readonly file: SessionFile
  readonly metrics: Metrics
  /** Stored subscriptions have changed. */
  readonly onChange: () => void
}

/** Subscriptions and queues of persistent sessions, and retained messages: all by scoped names. */
export class Sessions {
  readonly file: SessionFile
  readonly subscriptions: StoredSubscriptions
  readonly retained: RetainedMessages
  readonly #metrics: Metrics
  readonly #maxOfflineMessages: number
  readonly #queues = new Map<string, OfflineQueue>()
  readonly #offlineBytes = new OfflineBytes()

  constructor({ file, metrics, onChange }: SessionsDeps, maxOfflineMessages: number) {
    this.file = file
    this.#metrics = metrics
    this.#maxOfflineMessages = maxOfflineMessages
    this.retained = new RetainedMessages(file)
    const onGone = (id: string) => {
      this.#queues.get(id)?.clear()
      this.#queues.delete(id)
    }
    this.subscriptions = new StoredSubscriptions({ file, onChange, onGone })
  }

  /** False: a limit is reached, and the message reaches only those who subscribe now. */
  retain(message: RetainedMessage): boolean {
    if (this.retained.put(message)) return true
    this.#metrics.count('padborg_mqtt_shed_total', 1, { reason: 'retained' })
    return false
  }

  /** Queues a message of QoS 1 or 2 for each persistent session that subscribes to its topic. */
  enqueue(packet: ForwardPacket): void {
    for (const [id, granted] of this.subscriptions.match(packet.topic)) {
      const queue = this.#queues.get(id) ?? this.#createQueue(packet.topic)
      this.#queues.set(id, queue)
      const dropped = queue.add(granted < packet.qos ? { ...packet, qos: granted } : packet)
      this.#metrics.count('padborg_mqtt_shed_total', dropped, { reason: 'offline_queue' })
    }
  }

  #createQueue(topic: string): OfflineQueue {
    const tenant = topic.slice(0, topic.indexOf('/'))
    const maxMessages = this.#maxOfflineMessages
    return new OfflineQueue({ maxMessages, tenant, bytes: this.#offlineBytes })
  }

  queueOf(id: string): OfflineQueue | undefined {
    return this.#queues.get(id)
  }

  /** Null: the session has no queue, and will not get one. */
  nextMessageId(id: string): number | null {
    const queue = this.#queues.get(id)
    if (queue) return queue.nextMessageId()
    const [first] = this.subscriptions.of(id)
    if (!first) return null
    const created = this.#createQueue(first.topic)
    this.#queues.set(id, created)
    return created.nextMessageId()
  }

  /** Whether a persistent session subscribes to a topic with QoS 1 or 2. */
  hasSubscribers(topic: string): boolean {
    return this.subscriptions.match(topic).size > 0
  }

  /** Drops the sessions of all clients with a scoped id that begins with `start`. */
  forgetClients(start: string): void {
    for (const id of this.subscriptions.ids()) {
      if (id.startsWith(start)) this.subscriptions.clear(id)
    }
  }

  /** Drops all that is retained for a device: its own messages, and those to it. */
  forgetDevice(device: FullId, tenant: string): void {
    this.retained.forgetDevice(device, tenant)
  }

  /** Drops the retained messages on all scoped topics that begin with `start`. */
  forgetRetained(start: string): void {
    this.retained.forgetBelow(start)
  }
}
