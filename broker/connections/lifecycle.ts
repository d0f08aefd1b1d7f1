import type { Aedes, Client } from 'aedes'
import type { Log } from '#lib/runtime/log.ts'
import type { Refusals } from '../access/refusals.ts'
import { scopeFilters } from '../access/tenant-topics.ts'
import { takeOver } from '../aedes/aedes-client.ts'
import type { Qos2Messages } from '../publish/qos2-messages.ts'
import type { Deliveries } from '../sessions/deliveries.ts'
import type { SlowSubscribers } from '../publish/slow-subscribers.ts'
import type { BackPressure } from './back-pressure.ts'
import { createConnection, logFieldsOf, type Connection, type NewConnection } from './connection.ts'
import type { Connections } from './connections.ts'
import { MAX_AT_AEDES, type PacketReader } from './packet-reader.ts'
import { createSharedReadBuffer } from './shared-read-buffer.ts'

export interface LifecycleDeps {
  readonly aedes: Aedes
  readonly connections: Connections
  readonly reader: PacketReader
  readonly backPressure: BackPressure
  readonly qos2: Qos2Messages
  readonly deliveries: Deliveries
  readonly slow: SlowSubscribers
  readonly refusals: Refusals
  readonly log: Log
}

/** The life of each connection, from the accepted socket to its end. */
export class ConnectionLifecycle {
  readonly #deps: LifecycleDeps
  readonly #sharedBuffer = createSharedReadBuffer()

  constructor(deps: LifecycleDeps) {
    this.#deps = deps
    const { aedes } = deps
    aedes.on('clientReady', (client) => this.#ready(client))
    aedes.on('clientError', (client, error) => this.#logEnd(client, error))
    aedes.on('connectionError', (client, error) => this.#logEnd(client, error))
  }

  accept(accepted: NewConnection): void {
    const connection = this.#handToAedes(accepted)
    this.#deps.connections.add(connection)
    this.#readFrom(connection)
  }

  #handToAedes(accepted: NewConnection): Connection {
    const { aedes, backPressure, deliveries } = this.#deps
    const { stream } = accepted
    const listenersBefore = new Set(stream.listeners('end'))
    const { client, send } = takeOver(aedes.handle(stream), {
      onPacket(packet) {
        if (packet.cmd === 'unsubscribe') connection.filters = -1
        scopeFilters(packet, connection.prefix)
      },
      onHandled() {
        if (client._parsingBatch <= MAX_AT_AEDES / 2) backPressure.resume(connection, 'busy')
      },
      onMessage: (packet, done) => deliveries.deliver(connection, packet, done),
    })
    // Aedes ends a connection with the last byte of its peer, also when bytes before it still wait.
    for (const listener of stream.listeners('end')) {
      if (!listenersBefore.has(listener)) stream.off('end', asListener(listener))
    }
    const connection = createConnection(accepted, { client, send })
    return connection
  }

  #readFrom(connection: Connection): void {
    const { reader } = this.#deps
    const { stream, socket, listener } = connection
    stream.on('data', (bytes: Buffer) => reader.read(connection, bytes, false))
    // TLS and WebSocket make their own buffers when they decode.
    if (listener === 'mqtt') {
      this.#sharedBuffer.take(socket, (bytes) => reader.read(connection, bytes, true))
    }
    stream.on('end', () => reader.end(connection))
    stream.on('close', () => this.#closed(connection))
  }

  #ready(client: Client): void {
    const { connections, qos2, backPressure, deliveries } = this.#deps
    const connection = connections.of(client)
    if (!connection || connection.stage === 'closed') return
    connection.stage = 'ready'
    qos2.attach(connection)
    deliveries.deliverRest(connection)
    backPressure.resume(connection, 'connecting')
  }

  #closed(connection: Connection): void {
    const { connections, backPressure, slow, qos2 } = this.#deps
    connection.stage = 'closed'
    connections.remove(connection)
    backPressure.forget(connection)
    slow.forget(connection)
    qos2.detach(connection)
  }

  /** Logs why Aedes ends a connection. */
  #logEnd(client: Client, error: Error): void {
    const { connections, refusals, log } = this.#deps
    const connection = connections.of(client)
    // Aedes reports an end once for every message that was on its way.
    if (connection?.endLogged) return
    if (connection) connection.endLogged = true
    // With a code: a refused sign-in, which is logged already, or the network.
    if (!connection || 'errorCode' in error || 'code' in error) {
      log.debug({ err: error }, 'an MQTT connection ended with an error')
    } else if (error.message === 'connect did not arrive in time') {
      const text = 'expected CONNECT within PADBORG_MQTT_CONNECT_TIMEOUT_MS, got none'
      refusals.note(connection, 'connect_timeout', text)
    } else if (error.message === 'keep alive timeout') {
      log.info(logFieldsOf(connection), 'nothing came for one and a half times its keep-alive')
    } else if (error.message === 'drain timeout') {
      const text = 'expected it to read within PADBORG_MQTT_DRAIN_TIMEOUT_MS, got nothing read'
      refusals.note(connection, 'slow_subscriber', text)
    } else refusals.note(connection, 'protocol', `expected MQTT 3.1.1, got ${error.message}`)
  }
}

type Listener = (...args: unknown[]) => void

/** The type of `listeners` is Function; every listener of an emitter is one that returns nothing. */
function asListener(listener: unknown): Listener {
  return listener as Listener
}
