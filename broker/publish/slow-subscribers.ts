import type { Metrics } from '#lib/runtime/metrics.ts'
import type { Refusals } from '../access/refusals.ts'
import type { Connection } from '../connections/connection.ts'
import type { BrokerOptions } from '../options.ts'

/** A message that Aedes is about to write to one subscriber; the copy is ours to change. */
export interface Delivery {
  topic: string
  readonly payload: Uint8Array | string
  readonly retain: boolean
}

export interface SlowSubscribersDeps {
  readonly metrics: Metrics
  readonly refusals: Refusals
}

/**
 * Of one turn of the event loop and subscriber. A healthy one takes a burst straight into its kernel;
 * for a frozen one this bounds how far a burst goes over the buffer.
 */
const MAX_SCHEDULED_BYTES = 4 * 1024 * 1024

/** Fixed header, lengths and packet id of a PUBLISH, at most. */
const HEADER_BYTES = 9

/**
 * Decides for each message and subscriber whether it goes out. A subscriber whose socket does not
 * empty loses messages (counted) instead of making the others wait, and is closed when it takes
 * nothing at all.
 */
export class SlowSubscribers {
  readonly #deps: SlowSubscribersDeps
  readonly #maxBufferedBytes: number
  readonly #drainTimeoutMs: number
  #scheduled: Connection[] = []

  constructor(
    deps: SlowSubscribersDeps,
    options: Pick<BrokerOptions, 'socketBufferBytes' | 'drainTimeoutMs'>,
  ) {
    this.#deps = deps
    this.#maxBufferedBytes = options.socketBufferBytes / 2
    this.#drainTimeoutMs = options.drainTimeoutMs
  }

  admit(connection: Connection, delivery: Delivery): boolean {
    const { prefix } = connection
    if (!delivery.topic.startsWith(prefix)) return false
    const bytes = delivery.payload.length + delivery.topic.length + HEADER_BYTES
    // Retained and queued messages are written one after the other, each when there is room.
    const isLive = connection.stage === 'ready' && !delivery.retain
    if (isLive && !this.#hasRoom(connection, bytes)) {
      this.shed(connection)
      return false
    }
    delivery.topic = delivery.topic.slice(prefix.length)
    return true
  }

  /** Counts a message that was not sent to a peer, and watches the peer. */
  shed(connection: Connection): void {
    this.#deps.metrics.count('padborg_mqtt_shed_total', 1, { reason: 'slow_subscriber' })
    this.watch(connection)
  }

  /** Watches a peer that does not read what it is sent. */
  watch(connection: Connection): void {
    if (connection.slowTimer || connection.stage === 'closed') return
    const before = takenBytes(connection)
    connection.slowTimer = setTimeout(() => this.#check(connection, before), this.#drainTimeoutMs)
    connection.slowTimer.unref()
  }

  forget(connection: Connection): void {
    if (connection.slowTimer) clearTimeout(connection.slowTimer)
    connection.slowTimer = null
  }

  /** Aedes writes in the next turn; what this turn has scheduled is not in the buffer yet. */
  #hasRoom(connection: Connection, bytes: number): boolean {
    const { stream, scheduledBytes } = connection
    if (stream.writableLength > this.#maxBufferedBytes) return false
    if (scheduledBytes > MAX_SCHEDULED_BYTES) return false
    if (scheduledBytes === 0 && this.#scheduled.push(connection) === 1) {
      setImmediate(() => this.#written())
    }
    connection.scheduledBytes += bytes
    return true
  }

  #written(): void {
    const connections = this.#scheduled
    this.#scheduled = []
    for (const connection of connections) connection.scheduledBytes = 0
  }

  #check(connection: Connection, takenBefore: number): void {
    const { stream } = connection
    connection.slowTimer = null
    if (stream.writableLength <= this.#maxBufferedBytes / 2) return
    if (takenBytes(connection) > takenBefore) return this.watch(connection)
    this.#deps.refusals.close(
      connection,
      'slow_subscriber',
      `expected it to read within ${this.#drainTimeoutMs} ms, got nothing read and ` +
        `${stream.writableLength} bytes waiting; correct the client, or raise ` +
        'PADBORG_MQTT_DRAIN_TIMEOUT_MS',
    )
  }
}

/** What the peer's kernel has taken of all that was written. */
function takenBytes({ socket }: Connection): number {
  return socket.bytesWritten - socket.writableLength
}
