import type { Aedes, Client } from 'aedes'
import type { Log } from '#lib/runtime/log.ts'
import { takeOver } from '../aedes/aedes-client.ts'
import type { Clients } from './clients.ts'
import { createConnection, whoIs, type Connection, type NewConnection } from './connection.ts'
import { MOST_AT_AEDES, type Reader } from './reader.ts'
import type { Gates } from './gates.ts'
import type { ReceivedIdsOfSessions } from '../publish/received-ids.ts'
import type { Refusals } from '../access/refusals.ts'
import { createSharedBuffer } from './shared-buffer.ts'
import type { SlowSubscribers } from '../publish/slow-subscribers.ts'
import { scopeFilters } from '../access/tenant-topics.ts'

export interface FrontDoorDeps {
  readonly aedes: Aedes
  readonly clients: Clients
  readonly reader: Reader
  readonly gates: Gates
  readonly received: ReceivedIdsOfSessions
  readonly slow: SlowSubscribers
  readonly refusals: Refusals
  readonly log: Log
}

/** The life of each connection, from its first byte to its end. */
export function createFrontDoor(deps: FrontDoorDeps): (given: NewConnection) => void {
  const { aedes, clients, reader, gates, received, slow, refusals, log } = deps
  const shared = createSharedBuffer()

  aedes.on('clientReady', (client) => {
    const connection = clients.of(client)
    if (!connection || connection.stage === 'closed') return
    connection.stage = 'ready'
    received.attach(connection)
    gates.open(connection, 'connecting')
  })
  aedes.on('clientError', explain)
  aedes.on('connectionError', explain)
  return accept

  function accept(given: NewConnection): void {
    const { stream } = given
    const listenersBefore = new Set(stream.listeners('end'))
    const client = takeOver(aedes.handle(stream), {
      onPacket(packet) {
        if (packet.cmd === 'unsubscribe') connection.filters = -1
        scopeFilters(packet, connection.prefix)
      },
      onHandled() {
        if (connection.blocked === 'busy' && client._parsingBatch <= MOST_AT_AEDES / 2) {
          gates.open(connection, 'busy')
        }
      },
    })
    // Aedes ends a connection with the last byte of its peer, also when bytes before it still wait.
    for (const listener of stream.listeners('end')) {
      if (!listenersBefore.has(listener)) stream.off('end', onlyVoid(listener))
    }
    const connection = createConnection(given, client)
    clients.add(connection)
    stream.on('data', (bytes: Buffer) => reader.read(connection, bytes, false))
    // TLS and WebSocket make their own buffers when they decode.
    if (given.listener === 'mqtt') {
      shared.take(given.socket, (bytes) => reader.read(connection, bytes, true))
    }
    stream.on('end', () => reader.end(connection))
    stream.on('close', () => closed(connection))
  }

  function closed(connection: Connection): void {
    connection.stage = 'closed'
    clients.remove(connection)
    gates.forget(connection)
    slow.forget(connection)
    received.detach(connection)
  }

  function explain(client: Client, error: Error): void {
    const connection = clients.of(client)
    // Aedes reports an end once for every message that was on its way.
    if (connection?.explained) return
    if (connection) connection.explained = true
    // With a code: a refused sign-in, already told, or the network.
    if (!connection || 'errorCode' in error || 'code' in error) {
      log.debug({ err: error }, 'an MQTT connection ended with an error')
    } else if (error.message === 'connect did not arrive in time') {
      const text = 'no CONNECT came within PADBORG_MQTT_CONNECT_TIMEOUT_MS'
      refusals.note(connection, 'connect_timeout', text)
    } else if (error.message === 'keep alive timeout') {
      log.info(whoIs(connection), 'nothing came for one and a half times its keep-alive')
    } else if (error.message === 'drain timeout') {
      const text = 'it took nothing for PADBORG_MQTT_DRAIN_TIMEOUT_MS'
      refusals.note(connection, 'slow_subscriber', text)
    } else refusals.note(connection, 'protocol', `expected MQTT 3.1.1: ${error.message}`)
  }
}

type Listener = (...args: unknown[]) => void

/** `listeners` says Function where every listener of an emitter is one that returns nothing. */
function onlyVoid(listener: unknown): Listener {
  return listener as Listener
}
