import type { Directory } from '#lib/registry/index/directory.ts'
import type { Registry } from '#lib/registry/registry.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type { BrokerSettings } from '#lib/runtime/settings/broker-settings.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import type { DeviceNotice, Intake } from '#lib/telemetry/intake.ts'
import { createAcks } from './connections/acks.ts'
import { createAnswers } from './replies/answers.ts'
import { createSignIn } from './access/authenticate.ts'
import type { Will } from './aedes/aedes-client.ts'
import { createClients, type Clients } from './connections/clients.ts'
import type { Connection } from './connections/connection.ts'
import { createEmitter } from './aedes/emitter.ts'
import { createForward } from './publish/forward.ts'
import { createFrontDoor } from './connections/front-door.ts'
import { createGrantedQos, createInterest } from './access/granted.ts'
import { createGates } from './connections/gates.ts'
import { createListeners, type ListenerOptions, type Ports } from './connections/listeners.ts'
import { createPacing } from './connections/pacing.ts'
import { createMessagePath, type MessagePath } from './publish/publishes.ts'
import { createReader } from './connections/reader.ts'
import { createReceivedIds } from './publish/received-ids.ts'
import { createRefusals } from './access/refusals.ts'
import { watchRevocations } from './access/revocation.ts'
import { openSessionFile } from './sessions/session-file.ts'
import { createSessions } from './sessions/sessions.ts'
import { endAll, settledOrHeld } from './connections/shutdown.ts'
import { createSlowSubscribers } from './publish/slow-subscribers.ts'
import { createSubscribeRights } from './access/subscribe-rights.ts'
import { MOST_SCOPED_LEVELS, startAedes } from './aedes/start-aedes.ts'
import { createTopics } from './access/topics-of-connections.ts'

/**
 * The MQTT front door. Bytes go this way:
 *
 *   listeners -> front-door (one connection) -> reader (whole packets, or nothing while a gate is shut)
 *     PUBLISH -> publishes: topics (rights), pacing, gates -> intake -> acks, forward
 *                           or answers (clock, probe), or forward (commands)
 *     CONNECT, SUBSCRIBE, PINGREQ ... -> Aedes, which asks authenticate and subscribe-rights
 *   forward -> sessions (retained, offline queues), emitter -> Aedes' subscribers -> slow-subscribers
 *
 * Aedes keeps what it is good at: the handshake, sessions, keep-alive, writing to subscribers. Every
 * topic in it is scoped to a tenant (tenant-topics), every client id to an account (authenticate).
 */
export interface Broker {
  /** Opens the listeners; the real ports. Throws LISTEN_FAILED or TLS_INVALID. */
  listen(): Promise<Ports>
  /** Tells a device, if it listens, that a message of it was not stored. */
  notify(notice: DeviceNotice): void
  /**
   * Publishes no wills, takes nothing more, acknowledges what becomes durable, closes everything. The
   * intake must still be open.
   */
  close(): Promise<void>
}

export interface BrokerDeps {
  readonly intake: Intake
  readonly registry: Registry
  readonly directory: Directory
  readonly metrics: Metrics
  readonly clock: Clock
  readonly log: Log
}

/** Each limit is a setting, PADBORG_MQTT_*, with its sentence in lib/runtime/settings. */
export interface BrokerOptions extends ListenerOptions, BrokerSettings {
  /** `broker.db`: retained messages, and subscriptions of persistent sessions. */
  readonly databasePath: string
}

const NS_PER_MS = 1_000_000n

/** Opens `broker.db`. Throws DATA_DIR_UNUSABLE or DATA_DIR_FOREIGN. */
export async function createBroker(deps: BrokerDeps, options: BrokerOptions): Promise<Broker> {
  const { intake, registry, directory, metrics, clock, log } = deps
  const limits = {
    ...options,
    maxTopicLevels: Math.min(options.maxTopicLevels, MOST_SCOPED_LEVELS - 1),
  }
  const nowNs = () => clock.nowNs()
  const monoNs = () => clock.monoNs()
  const nowMs = () => Number(clock.nowNs() / NS_PER_MS)

  const clients = createClients()
  const interest = createInterest()
  const grantedQos = createGrantedQos(interest)
  const refusals = createRefusals({ metrics, log, monoNs })
  const slow = createSlowSubscribers({ metrics, refusals, grantedQos }, limits)
  const rights = createSubscribeRights(directory, refusals, limits.maxTopicLevels)
  const emitter = createEmitter(() => interest.changed())
  const file = openSessionFile(options.databasePath, log)
  const mayKeep = (client: object, filter: string) => {
    const connection = clients.of(client)
    return connection !== undefined && rights.mayRead(connection, filter)
  }
  const onChange = () => interest.changed()
  const sessions = createSessions({ file, metrics, mayKeep, onChange }, limits.maxOfflineMessages)
  const hasRoom = (id: string) => clients.ids.size < limits.maxConnections || clients.ids.has(id)
  const signIn = createSignIn(
    { registry, directory, intake, refusals, metrics, nowMs, hasRoom },
    limits,
  )

  const gates = createGates((connection) => reader.resume(connection))
  const acks = createAcks((connection) => {
    gates.block(connection, 'drain')
    connection.stream.once('drain', () => gates.open(connection, 'drain'))
    slow.watch(connection)
  })
  const forward = createForward({ emitter, sessions, metrics, interest })
  const answers = createAnswers({ intake, forward, refusals, slow, grantedQos, nowNs })
  const topics = createTopics(directory, limits.maxTopicLevels)
  const pacing = createPacing(limits.maxRatePerDevice, monoNs)
  const path = createMessagePath(
    { intake, topics, pacing, gates, acks, answers, forward, refusals, metrics, clock },
    limits,
  )
  const reader = createReader({ clock, refusals, gates, publishes: path }, limits)

  let closing = false
  const will = (connection: Connection, given: Will) => {
    if (!closing) path.will(connection, given)
  }
  const aedes = await startAedes(
    { clients, emitter, sessions, signIn, rights, slow, will, log },
    limits,
  )
  const received = createReceivedIds(clients.ids)
  const accept = createFrontDoor({ aedes, clients, reader, gates, received, slow, refusals, log })
  const listeners = createListeners(options, log, (given) => {
    if (closing) given.stream.destroy()
    else accept(given)
  })
  const revocations = watchRevocations({ registry, clients, sessions, refusals, nowMs })
  registry.onChange(() => topics.forget())
  intake.onHeldChange((held) => {
    if (!held && !closing) path.released()
  })
  showMetrics(metrics, { clients, path, limits })

  return {
    listen: () => listeners.listen(),
    notify(notice) {
      if (!closing) answers.notify(notice)
    },
    async close() {
      if (closing) return
      closing = true
      revocations.close()
      listeners.stop()
      gates.close(clients.all)
      await settledOrHeld(path, intake)
      acks.flush()
      await endAll(clients)
      await new Promise<void>((resolve) => aedes.close(resolve))
      file.close()
    },
  }
}

interface Shown {
  readonly clients: Clients
  readonly path: MessagePath
  readonly limits: Pick<BrokerOptions, 'maxConnections' | 'maxInFlight'>
}

function showMetrics(metrics: Metrics, { clients, path, limits }: Shown): void {
  metrics.gauge('padborg_mqtt_connections', () => clients.ids.size)
  metrics.gauge('padborg_mqtt_connections_limit', () => limits.maxConnections)
  metrics.gauge('padborg_mqtt_in_flight', () => path.inFlight)
  metrics.gauge('padborg_mqtt_in_flight_limit', () => limits.maxInFlight)
}
