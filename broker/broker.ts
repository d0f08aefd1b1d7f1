import type { Directory } from '#lib/registry/topics/directory.ts'
import type { Registry } from '#lib/registry/registry.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import { Turns } from '#lib/runtime/threads/turns.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import type { DeviceNotice, Intake } from '#lib/telemetry/intake.ts'
import { SignIn } from './access/authenticate.ts'
import { createGrantedQos } from './access/granted-qos.ts'
import { PublishRights } from './access/publish-rights.ts'
import { createRefusals } from './access/refusals.ts'
import { Revocation } from './access/revocation.ts'
import { SubscribeRights } from './access/subscribe-rights.ts'
import { createEmitter } from './aedes/emitter.ts'
import type { Will } from './aedes/aedes-client.ts'
import { MAX_SCOPED_LEVELS, startAedes } from './aedes/start-aedes.ts'
import { Acks } from './connections/acks.ts'
import { BackPressure } from './connections/back-pressure.ts'
import type { Connection } from './connections/connection.ts'
import { Connections } from './connections/connections.ts'
import { ConnectionLifecycle } from './connections/lifecycle.ts'
import { Listeners, type Ports } from './connections/listeners.ts'
import { PacketReader } from './connections/packet-reader.ts'
import { RateLimit } from './connections/rate-limit.ts'
import { TenantTurns } from './connections/tenant-turns.ts'
import { endAll } from './connections/shutdown.ts'
import type { BrokerOptions } from './options.ts'
import { Forward } from './publish/forward.ts'
import { InFlight } from './publish/in-flight.ts'
import { createInterest } from './publish/interest.ts'
import { MessagePath } from './publish/message-path.ts'
import { Qos2Messages } from './publish/qos2-messages.ts'
import { SlowSubscribers } from './publish/slow-subscribers.ts'
import { Wills } from './publish/wills.ts'
import { DeviceReplies } from './replies/device-replies.ts'
import { Deliveries } from './sessions/deliveries.ts'
import { SessionFile } from './sessions/session-file.ts'
import { Sessions } from './sessions/sessions.ts'
import { Subscribing } from './sessions/subscribing.ts'

/**
 * The MQTT broker. Bytes go this way:
 *
 *   listeners -> lifecycle (one connection) -> packet-reader (whole packets, none while it is paused)
 *     PUBLISH -> message-path: publish-rights, back-pressure -> intake -> acks, forward
 *                           or device-replies (clock, probe), or forward (commands)
 *     CONNECT, SUBSCRIBE, PINGREQ ... -> Aedes, which calls authenticate and subscribe-rights
 *   forward -> sessions (retained, offline queues), emitter -> Aedes' subscribers -> slow-subscribers
 *
 * Aedes keeps what it is good at: the handshake, sessions, keep-alive, writing to subscribers. Every
 * topic in it is scoped to a tenant (tenant-topics), every client id to an account (authenticate).
 */
export interface Broker {
  /** Opens the listeners; the real ports. Throws LISTEN_FAILED or TLS_INVALID. */
  listen(): Promise<Ports>
  /** Tells a device, if it subscribes, that a message of it was not stored. */
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

const NS_PER_MS = 1_000_000n

/** Opens `broker.db`. Throws DATA_DIR_UNUSABLE or DATA_DIR_FOREIGN. */
export async function createBroker(deps: BrokerDeps, given: BrokerOptions): Promise<Broker> {
  const { intake, registry, log } = deps
  const maxTopicLevels = Math.min(given.maxTopicLevels, MAX_SCOPED_LEVELS - 1)
  const options = { ...given, maxTopicLevels }
  const state = createState(deps, options)
  const reading = createReading(deps, state, options)
  const { connections } = state
  const { backPressure, inFlight, acks, wills } = reading
  let isClosing = false
  const onWill = (connection: Connection, will: Will) => {
    if (!isClosing) wills.publish(connection, will)
  }
  const access = createAccess(deps, state, options)
  const aedes = await startAedes(
    { ...state, ...access, subscribing: reading.subscribing, qos2: reading.qos2, onWill, log },
    options,
  )
  const lifecycle = new ConnectionLifecycle({ aedes, ...state, ...reading, log })
  const listeners = new Listeners(options, log, (accepted) => {
    if (isClosing) accepted.stream.destroy()
    else lifecycle.accept(accepted)
  })
  const nowMs = () => nowMsOf(deps.clock)
  const revocation = new Revocation({ ...state, registry, nowMs })
  registry.onChange(() => reading.rights.forget())
  intake.onPausedChange((paused) => {
    if (paused || isClosing) return
    wills.publishWaiting()
    backPressure.resumeAll('journal')
  })
  showMetrics(deps.metrics, connections, inFlight, options)

  return {
    listen: () => listeners.listen(),
    notify(notice) {
      if (!isClosing) reading.replies.notify(notice)
    },
    async close() {
      if (isClosing) return
      isClosing = true
      revocation.close()
      listeners.stop()
      backPressure.close(connections.all)
      await inFlight.drainedOrPaused()
      acks.flush()
      await endAll(connections)
      await new Promise<void>((resolve) => aedes.close(resolve))
      state.file.close()
    },
  }
}

/** Who is connected, who subscribes, and what is kept for both. */
function createState({ metrics, log, clock }: BrokerDeps, options: BrokerOptions) {
  const connections = new Connections()
  const interest = createInterest()
  const onChange = () => interest.changed()
  const emitter = createEmitter(onChange)
  const file = new SessionFile(options.databasePath, log)
  const sessions = new Sessions({ file, metrics, onChange }, options.maxOfflineMessages)
  const grantedQos = createGrantedQos(interest)
  const refusals = createRefusals({ metrics, log, monoNs: () => clock.monoNs() })
  const slow = new SlowSubscribers({ metrics, refusals }, options)
  const deliveries = new Deliveries(sessions, grantedQos)
  const subscribers = { emitter, interest, grantedQos, slow, deliveries }
  return { connections, file, sessions, refusals, ...subscribers }
}

type State = ReturnType<typeof createState>

/** The way from bytes to the intake, and back to publishers and subscribers. */
function createReading(deps: BrokerDeps, state: State, options: BrokerOptions) {
  const { intake, directory, metrics, clock } = deps
  const { connections, refusals, slow } = state
  const backPressure = new BackPressure((connection) => reader.resume(connection))
  const acks = new Acks((connection) => {
    backPressure.pause(connection, 'drain')
    connection.stream.once('drain', () => backPressure.resume(connection, 'drain'))
    slow.watch(connection)
  })
  const forward = new Forward({ ...state, metrics })
  const replies = new DeviceReplies({ ...state, intake, forward, nowNs: () => clock.nowNs() })
  const rights = new PublishRights(directory, options.maxTopicLevels)
  const rateLimit = new RateLimit(options.maxRatePerDevice, () => clock.monoNs(), backPressure)
  const { retained } = state.sessions
  const subscribing = new Subscribing({ retained, backPressure, turns: new Turns() })
  const inFlight = new InFlight(intake, backPressure, options)
  const qos2 = new Qos2Messages(acks, refusals, connections.ids)
  const { maxTopicLevels } = options
  const shared = { intake, rights, inFlight, forward, backPressure, acks, qos2, refusals }
  const path = new MessagePath({
    ...shared,
    replies,
    rateLimit,
    turns: new TenantTurns(backPressure),
    metrics,
    maxTopicLevels,
  })
  const wills = new Wills({ ...shared, metrics, clock })
  const reader = new PacketReader(
    { clock, refusals, backPressure, publishes: path, rateLimit, subscribing },
    options,
  )
  return { backPressure, acks, replies, rights, inFlight, qos2, wills, reader, subscribing }
}

/** Who may connect, and subscribe where. */
function createAccess(deps: BrokerDeps, state: State, options: BrokerOptions) {
  const { refusals, connections } = state
  const limits = {
    all: options.maxConnections,
    ofTenant: options.maxConnectionsPerTenant,
    ofAccount: options.maxConnectionsPerAccount,
  }
  const limitFor = (id: string) => connections.limitFor(id, limits)
  const nowMs = () => nowMsOf(deps.clock)
  return {
    signIn: new SignIn({ ...deps, refusals, nowMs, limitFor }, options),
    rights: new SubscribeRights(deps.directory, refusals, options.maxTopicLevels),
  }
}

function nowMsOf(clock: Clock): number {
  return Number(clock.nowNs() / NS_PER_MS)
}

function showMetrics(
  metrics: Metrics,
  connections: Connections,
  inFlight: InFlight,
  { maxConnections, maxInFlight }: BrokerOptions,
): void {
  metrics.gauge('padborg_mqtt_connections', () => connections.ids.size)
  metrics.gauge('padborg_mqtt_connections_limit', () => maxConnections)
  metrics.gauge('padborg_mqtt_in_flight', () => inFlight.count)
  metrics.gauge('padborg_mqtt_in_flight_limit', () => maxInFlight)
}
