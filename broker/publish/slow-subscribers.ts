import type { Metrics } from '#lib/runtime/metrics.ts'
import type { Connection } from '../connections/connection.ts'
import type { GrantedQos } from '../access/granted.ts'
import type { Refusals } from '../access/refusals.ts'

/** A message that Aedes is about to write to one subscriber; the copy is ours to change. */
export interface Delivery {
  topic: string
  readonly payload: Uint8Array | string
  qos: 0 | 1 | 2
  readonly retain: boolean
}

/**
 * Decides for each message and subscriber whether it goes out. One whose socket does not empty loses
 * messages (counted) instead of making the others wait, and goes when it takes nothing at all.
 */
export interface SlowSubscribers {
  admit(connection: Connection, delivery: Delivery): boolean
  /** Counts a message that was not sent to a peer, and watches it. */
  shed(connection: Connection): void
  /** Watches a peer that does not read what it is sent. */
  watch(connection: Connection): void
  forget(connection: Connection): void
}

export interface SlowSubscribersDeps {
  readonly metrics: Metrics
  readonly refusals: Refusals
  readonly grantedQos: GrantedQos
}

export interface SlowSubscribersOptions {
  readonly socketBufferBytes: number
  readonly drainTimeoutMs: number
}

/**
 * Of one turn of the event loop and subscriber. A healthy one takes a burst straight into its kernel;
 * for a frozen one this bounds how far a burst goes over the buffer.
 */
const MOST_SCHEDULED_BYTES = 4 * 1024 * 1024

/** Fixed header, lengths and packet id of a PUBLISH, at most. */
const HEADER_BYTES = 9

export function createSlowSubscribers(
  { metrics, refusals, grantedQos }: SlowSubscribersDeps,
  { socketBufferBytes, drainTimeoutMs }: SlowSubscribersOptions,
): SlowSubscribers {
  const mostBytes = socketBufferBytes / 2
  let scheduled: Connection[] = []

  return {
    admit(connection, delivery) {
      const { prefix, stream } = connection
      if (!delivery.topic.startsWith(prefix) || stream.destroyed) return false
      const bytes = delivery.payload.length + delivery.topic.length + HEADER_BYTES
      // Retained and queued messages are written one after the other, each when there is room.
      const isLive = connection.stage === 'ready' && !delivery.retain
      if (isLive && !hasRoom(connection, bytes)) {
        shed(connection)
        return false
      }
      delivery.topic = delivery.topic.slice(prefix.length)
      // Aedes lowers QoS 2 to the granted one only for a filter without wildcards ([MQTT-3.8.4-6]).
      // QoS 1 needs no lowering: subscribers of QoS 0 have a path of their own.
      if (delivery.qos === 2) delivery.qos = grantedQos(connection, delivery.topic) ?? 0
      return true
    },
    shed,
    watch,
    forget(connection) {
      if (connection.slowTimer) clearTimeout(connection.slowTimer)
      connection.slowTimer = null
    },
  }

  function shed(connection: Connection): void {
    metrics.count('padborg_mqtt_shed_total', 1, { reason: 'slow_subscriber' })
    watch(connection)
  }

  /** Aedes writes in the next turn; what this turn has scheduled is not in the buffer yet. */
  function hasRoom(connection: Connection, bytes: number): boolean {
    const { stream, scheduledBytes } = connection
    if (stream.writableLength > mostBytes) return false
    if (scheduledBytes > MOST_SCHEDULED_BYTES) return false
    if (scheduledBytes === 0 && scheduled.push(connection) === 1) setImmediate(written)
    connection.scheduledBytes += bytes
    return true
  }

  function written(): void {
    const connections = scheduled
    scheduled = []
    for (const connection of connections) connection.scheduledBytes = 0
  }

  function watch(connection: Connection): void {
    if (connection.slowTimer || connection.stage === 'closed') return
    const before = takenBytes(connection)
    connection.slowTimer = setTimeout(() => {
      connection.slowTimer = null
      if (connection.stream.writableLength <= mostBytes / 2) return
      if (takenBytes(connection) > before) return watch(connection)
      refusals.close(
        connection,
        'slow_subscriber',
        `it took nothing for ${drainTimeoutMs} ms (PADBORG_MQTT_DRAIN_TIMEOUT_MS) with ` +
          `${connection.stream.writableLength} bytes waiting for it`,
      )
    }, drainTimeoutMs).unref()
  }
}

/** What the peer's kernel has taken of all that was written. */
function takenBytes({ socket }: Connection): number {
  return socket.bytesWritten - socket.writableLength
}
