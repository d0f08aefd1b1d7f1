import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProtocolVersion } from '#lib/mqtt/packet-types.ts'
import type { Directory } from '#lib/registry/topics/directory.ts'
import { createBackoff, type Backoff } from '#lib/runtime/back-off.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import { pause } from '#lib/runtime/pause.ts'
import { createRandomFromClock } from '#lib/runtime/random.ts'
import type { DeviceNotice, Intake } from '#lib/telemetry/intake.ts'
import { SourceProblem } from '../source-problem.ts'
import { parseAddress, type BrokerAddress } from './connection/address.ts'
import { Connection, type Ending } from './connection/connection.ts'
import { VersionChoice } from './connection/version-choice.ts'
import { DeviceReplies } from './messages/device-replies.ts'
import { Inbox } from './messages/inbox.ts'
import { Owners, type SourceRegistry } from './messages/owners.ts'
import { createRefusals, topicField, type Refusals } from './messages/refusals.ts'
import { withDefaults, type MqttSettings, type MqttSourceOptions } from './options.ts'
import { openSessionFile, type SessionFile } from './subscriptions/session-file.ts'
import { Subscriptions } from './subscriptions/subscriptions.ts'

export interface MqttSourceDeps {
  readonly intake: Intake
  readonly registry: SourceRegistry
  readonly directory: Directory
  readonly metrics: Metrics
  readonly clock: Clock
  readonly log: Log
}

export interface MqttSourceStatus {
  readonly connected: boolean
  readonly version: ProtocolVersion
  readonly shared: boolean
  readonly filters: number
  readonly inFlight: number
  readonly taken: number
  readonly commands: number
  readonly unknown: number
  /** Connections that the broker accepted; more than one: it was reconnected. */
  readonly connects: number
  /** Why no messages come, for people; '' when they do. */
  readonly problem: string
}

/** What a connection needs beside the options. */
interface Target {
  readonly address: BrokerAddress
  readonly ca: string | null
  readonly session: SessionFile
}

/** A connection that lasted that long was a good one: the next attempt may come soon. */
const STABLE_NS = 10_000_000_000n

/**
 * The intake's source from a foreign MQTT broker (Mosquitto, EMQX, HiveMQ, VerneMQ): a subscription
 * of QoS 1 with a kept session, acknowledged to that broker only when the intake has made a message
 * durable. Life cycle: `start` resolves when it has begun to connect, whether or not the broker can be
 * reached; after `close` nothing is handed to the intake. It is closed before the intake.
 */
export class MqttSource {
  readonly #options: MqttSettings
  readonly #deps: MqttSourceDeps
  readonly #refusals: Refusals
  readonly #replies: DeviceReplies
  readonly #inbox: Inbox
  readonly #versions: VersionChoice
  readonly #subscriptions: Subscriptions
  readonly #backoff: Backoff
  readonly #problem: SourceProblem
  readonly #closing = new AbortController()
  #connection: Connection | null = null
  #isConnected = false
  #connects = 0
  #running: Promise<void> = Promise.resolve()

  constructor(given: MqttSourceOptions, deps: MqttSourceDeps) {
    const options = withDefaults(given)
    const { intake, registry, directory, metrics, clock, log } = deps
    this.#options = options
    this.#deps = deps
    this.#refusals = createRefusals({ metrics, log, monoNs: () => clock.monoNs() })
    this.#replies = new DeviceReplies({
      intake,
      refusals: this.#refusals,
      nowNs: () => clock.nowNs(),
      publish: (topic, payload) => this.#publish(topic, payload),
    })
    this.#inbox = new Inbox(
      {
        intake,
        owners: new Owners(registry, directory),
        replies: this.#replies,
        refusals: this.#refusals,
        metrics,
        onRoom: () => this.#connection?.resume(),
      },
      options.maxInFlight,
    )
    this.#versions = new VersionChoice(log)
    this.#subscriptions = new Subscriptions(options, registry, log)
    this.#backoff = createBackoff({
      firstMs: options.firstPauseMs,
      maxMs: options.maxPauseMs,
      random: createRandomFromClock(clock),
    })
    this.#problem = new SourceProblem(log, 'no messages: the source is not started')
  }

  /** Throws CONFIG_INVALID, TLS_INVALID or DATA_DIR_UNUSABLE. */
  async start(): Promise<void> {
    const { url, caFile, dataDir } = this.#options
    const address = requireAddress(url)
    const ca = caFile === null ? null : readCa(caFile)
    const session = openSessionFile(join(dataDir, 'foreign-broker.json'))
    this.#problem.set('no messages yet: connecting to the foreign broker')
    this.#running = this.#run({ address, ca, session })
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#subscriptions.close()
    await this.#connection?.close(this.#inbox.inFlight.drainedOrPaused())
    await this.#running
  }

  status(): MqttSourceStatus {
    const { counts } = this.#refusals
    return {
      connected: this.#isConnected,
      version: this.#versions.version,
      shared: this.#options.share !== null && this.#versions.version === 5,
      filters: this.#subscriptions.granted,
      inFlight: this.#inbox.inFlight.count,
      taken: this.#inbox.taken,
      commands: this.#inbox.commands,
      unknown: counts.unknown_device + counts.ambiguous_topic,
      connects: this.#connects,
      problem: this.#problem.text === '' ? this.#subscriptions.problem : this.#problem.text,
    }
  }

  /** Tells a device through the foreign broker what was not stored. */
  notify(notice: DeviceNotice): void {
    this.#replies.notify(notice)
  }

  async #run(target: Target): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      const openedNs = this.#deps.clock.monoNs()
      const ending = await this.#connect(target)
      const pauseMs = ending ? this.#pauseAfter(ending, openedNs) : 0
      if (pauseMs > 0) await pause(pauseMs, signal)
    }
  }

  /** One connection, from its beginning to its end; null when it only showed that it works. */
  async #connect(target: Target): Promise<Ending | null> {
    const connection = this.#openConnection(target)
    const { version } = this.#versions
    this.#connection = connection
    const welcome = await connection.opened
    if (welcome && !this.#versions.accepted()) {
      await connection.close(Promise.resolve())
      return null
    }
    if (welcome) {
      const { session } = target
      this.#connected(target, version)
      await this.#subscriptions.attach({ connection, welcome, session, version })
    }
    const ending = await connection.ended
    this.#disconnected(target, ending)
    return welcome ? { ...ending, silent: false } : ending
  }

  #openConnection({ address, ca, session }: Target): Connection {
    const { version } = this.#versions
    const { clientId } = session
    return new Connection(
      { ...this.#options, address, ca, version, clientId },
      {
        deliver: (parts, frame, chunk, from) => this.#inbox.take(parts, frame, chunk, from),
        oversized: (topic) => this.#refuseOversized(topic),
      },
      this.#deps.clock,
    )
  }

  #connected({ address, session }: Target, version: ProtocolVersion): void {
    this.#isConnected = true
    this.#connects += 1
    this.#problem.set('')
    const fields = { broker: address.shown, version, clientId: session.clientId }
    this.#deps.log.info(fields, 'connected to the foreign broker')
  }

  #disconnected({ address }: Target, { text, retryable, refusesVersion }: Ending): void {
    this.#connection = null
    this.#isConnected = false
    this.#subscriptions.detach()
    if (this.#closing.signal.aborted) return
    const needsAction = !retryable && !refusesVersion
    const fields = { broker: address.shown }
    this.#problem.report(`no messages from the foreign broker: ${text}`, fields, needsAction)
  }

  #pauseAfter(ending: Ending, openedNs: bigint): number {
    if (this.#versions.ended(ending)) return 0
    if (this.#deps.clock.monoNs() - openedNs > STABLE_NS) this.#backoff.reset()
    return ending.retryable ? this.#backoff.next() : this.#backoff.longest()
  }

  #refuseOversized(topic: string): void {
    const { maxPacketBytes } = this.#options
    const text = `expected a packet of at most ${maxPacketBytes} bytes, got a larger one; it is dropped`
    this.#refusals.note('packet_size', topicField(topic), text)
  }

  #publish(topic: string, payload: string): void {
    if (this.#connection?.publish(topic, payload)) return
    this.#deps.metrics.count('padborg_mqtt_shed_total', 1, { reason: 'forwarding' })
  }
}

function requireAddress(url: string): BrokerAddress {
  const address = parseAddress(url)
  if (address) return address
  throw new PlatformError(
    'CONFIG_INVALID',
    'PADBORG_MQTT_URL=(secret): expected an address such as mqtts://user:password@broker.example:8883, ' +
      'with special characters of user and password %-encoded; correct it',
  )
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new PlatformError(
      'TLS_INVALID',
      `${path}: expected a readable PEM file of the authority of the foreign broker, got ` +
        `${messageOf(error)}; check path and permissions`,
      { cause: error },
    )
  }
}
