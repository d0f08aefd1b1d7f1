import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createBackoff } from '#lib/runtime/back-off.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import { createRandom } from '#lib/runtime/random.ts'
import type { Directory } from '#lib/registry/index/directory.ts'
import type { DeviceNotice, Intake } from '#lib/telemetry/intake.ts'
import { parseAddress, type BrokerAddress } from './address.ts'
import { openConnection, type Connection, type Ending } from './connection.ts'
import { createInbox } from './inbox.ts'
import { createOwners, type SourceRegistry } from './owners.ts'
import type { ProtocolVersion } from './packets.ts'
import { createRefusals } from './refusals.ts'
import { DeviceReplies } from './requests.ts'
import { openSessionFile, type SessionFile } from './session-file.ts'
import { createSubscriptions } from './subscriptions.ts'
import { createVersionChoice } from './version-choice.ts'

export interface MqttSourceOptions {
  /** `PADBORG_MQTT_URL`: mqtt: or mqtts:, with user and password where needed. */
  readonly url: string
  /** Name of the shared subscription; null: a subscription of our own. */
  readonly share: string | null
  /** Null: the native tree and the topics of the devices. */
  readonly topics: readonly string[] | null
  /** Where the session is remembered (`foreign-broker.json`). */
  readonly dataDir: string
  readonly maxPacketBytes: number
  /** PEM file of authorities to trust instead of the usual ones. */
  readonly caFile?: string | null
  readonly servername?: string | null
  readonly keepAliveMs?: number
  readonly sessionExpirySeconds?: number
  readonly receiveMaximum?: number
  readonly maxInFlight?: number
  readonly connectTimeoutMs?: number
  readonly firstPauseMs?: number
  readonly longestPauseMs?: number
}

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
  /** Connections that were let in; more than one: it was reconnected. */
  readonly connects: number
  /** Why messages do not come, for people; '' when they do. */
  readonly problem: string
}

/**
 * The intake's source from a foreign MQTT broker (Mosquitto, EMQX, HiveMQ, VerneMQ): a subscription
 * of QoS 1 with a kept session, acknowledged to that broker only when the intake has made a message
 * durable. Life cycle: `start` resolves when it has begun to connect, whether or not the broker is
 * there; after `close` nothing is handed to the intake. It is closed before the intake.
 */
export interface MqttSource {
  /** Throws CONFIG_INVALID, TLS_INVALID or DATA_DIR_UNUSABLE. */
  start(): Promise<void>
  close(): Promise<void>
  status(): MqttSourceStatus
  /** Tells a device through the foreign broker what was not stored. */
  notify(notice: DeviceNotice): void
}

const DEFAULTS = {
  caFile: null,
  servername: null,
  keepAliveMs: 30_000,
  /** Long enough for a broken machine to be replaced on a Monday. */
  sessionExpirySeconds: 3 * 86_400,
  receiveMaximum: 1000,
  maxInFlight: 4000,
  connectTimeoutMs: 10_000,
  firstPauseMs: 250,
  longestPauseMs: 30_000,
}

/** A connection that lived that long was a good one: the next attempt may come soon. */
const STABLE_NS = 10_000_000_000n
/** How often a closing source looks whether everything is acknowledged. */
const CHECK_MS = 10

export function createMqttSource(given: MqttSourceOptions, deps: MqttSourceDeps): MqttSource {
  const options = { ...DEFAULTS, ...given }
  const { intake, registry, directory, metrics, clock, log } = deps
  const refusals = createRefusals({ metrics, log, monoNs: () => clock.monoNs() })
  const requests = new DeviceReplies({ intake, refusals, nowNs: () => clock.nowNs(), publish })
  const owners = createOwners(registry, directory)
  const inbox = createInbox({ intake, owners, requests, refusals, metrics }, options.maxInFlight)
  const versions = createVersionChoice(log)
  const subscriptions = createSubscriptions(options, { registry, log })
  const backoff = createBackoff({
    firstMs: options.firstPauseMs,
    maxMs: options.longestPauseMs,
    random: createRandom(Number(clock.nowNs() % 2n ** 48n)),
  })
  let current: Connection | null = null
  let connected = false
  let connects = 0
  let problem = 'no messages: the source of the foreign broker was not started'
  let closing = false
  let running: Promise<void> = Promise.resolve()
  let endPause: (() => void) | null = null
  inbox.onRoom(() => current?.resume())

  return {
    // Asynchronous so that what is wrong with the settings rejects as well.
    async start() {
      const address = requireAddress(options.url)
      const ca = options.caFile === null ? null : readCa(options.caFile)
      const session = openSessionFile(join(options.dataDir, 'foreign-broker.json'))
      problem = 'no messages yet: connecting to the foreign broker'
      running = run({ address, ca, session })
    },
    async close() {
      closing = true
      endPause?.()
      subscriptions.close()
      await current?.close(settled)
      await running
    },
    status: () => ({
      connected,
      version: versions.version,
      shared: options.share !== null && versions.version === 5,
      filters: subscriptions.granted,
      inFlight: inbox.inFlight,
      taken: inbox.taken,
      commands: inbox.commands,
      unknown: refusals.counts.unknown_device + refusals.counts.ambiguous_topic,
      connects,
      problem: problem === '' ? subscriptions.problem : problem,
    }),
    notify: (notice) => requests.notify(notice),
  }

  interface Target {
    readonly address: BrokerAddress
    readonly ca: string | null
    readonly session: SessionFile
  }

  async function run(target: Target): Promise<void> {
    while (!closing) {
      const openedNs = clock.monoNs()
      const ending = await live(target)
      const pauseMs = ending ? pauseAfter(ending, openedNs) : 0
      if (!closing && pauseMs > 0) await pause(pauseMs)
    }
  }

  /** One connection, from its beginning to its end; null when it only showed that it works. */
  async function live({ address, ca, session }: Target): Promise<Ending | null> {
    const { version } = versions
    const { clientId } = session
    const connection = openConnection(
      { ...options, address, ca, version, clientId },
      {
        deliver: (delivery, from) => inbox.take(delivery, from),
        oversized({ topic }) {
          const text = `expected a packet of at most ${options.maxPacketBytes} bytes, got a larger one: not kept`
          refusals.note('packet_size', topic, text)
        },
      },
      clock,
    )
    current = connection
    const welcome = await connection.opened
    if (welcome && !versions.welcomed()) {
      await connection.close(() => Promise.resolve())
      return null
    }
    if (welcome) {
      connected = true
      connects += 1
      problem = ''
      log.info({ broker: address.shown, version, clientId }, 'connected to the foreign broker')
      await subscriptions.attach({ connection, welcome, session, version })
    }
    const ending = await connection.ended
    current = null
    connected = false
    subscriptions.detach()
    if (!closing) say(address, ending)
    return welcome ? { ...ending, silent: false } : ending
  }

  /** Each reason once, until it is another or all was well. */
  function say({ shown: broker }: BrokerAddress, { text, sort }: Ending): void {
    const line = `no messages from the foreign broker: ${text}`
    if (problem === line) return
    problem = line
    if (sort === 'settings') log.error({ broker }, line)
    else log.warn({ broker }, line)
  }

  function pauseAfter(ending: Ending, openedNs: bigint): number {
    if (versions.ended(ending)) return 0
    if (clock.monoNs() - openedNs > STABLE_NS) backoff.reset()
    return ending.sort === 'passing' ? backoff.next() : backoff.longest()
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Resolves when all that was taken is durable, or cannot become so. */
  function settled(openAcks: () => number): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (openAcks() > 0 && inbox.inFlight > 0 && !intake.held) return
        clearInterval(timer)
        resolve()
      }
      const timer = setInterval(check, CHECK_MS)
      check()
    })
  }

  function publish(topic: string, payload: string): void {
    if (current?.publish(topic, payload)) return
    metrics.count('padborg_mqtt_shed_total', 1, { reason: 'forwarding' })
  }
}

function requireAddress(url: string): BrokerAddress {
  const address = parseAddress(url)
  if (address) return address
  throw new PlatformError(
    'CONFIG_INVALID',
    'PADBORG_MQTT_URL=(secret): expected an address such as mqtts://user:password@broker.example:8883, ' +
      'with %-encoded signs in user and password; correct it',
  )
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new PlatformError(
      'TLS_INVALID',
      `${path}: expected a readable PEM file of the authority of the foreign broker, got ${messageOf(error)}`,
      { cause: error },
    )
  }
}
