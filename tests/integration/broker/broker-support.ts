import { join } from 'node:path'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import type { IConnectPacket } from 'mqtt-packet'
import type { NewDevice, Registry } from '#lib/registry/registry.ts'
import { createDirectory } from '#lib/registry/topics/directory.ts'
import { systemClock, type Clock } from '#lib/runtime/clock.ts'
import { createMetrics } from '#lib/runtime/metrics.ts'
import { createBroker, type Broker } from '../../../broker/broker.ts'
import type { Ports } from '../../../broker/connections/listeners.ts'
import type { BrokerOptions } from '../../../broker/options.ts'
import { createTestLog, type LogLine } from '../../support/log-lines.ts'
import { metricValue } from '../../support/metric-value.ts'
import { temporaryDir } from '../../support/platform.ts'
import { registerDevice, registerTenant, registryIn } from '../../support/registry-in.ts'
import { TestIntake } from '../../support/test-intake.ts'
import { RawClient, connectPacket } from './raw-client.ts'

export interface TestAccount {
  readonly username: string
  readonly password: string
}

const DEFAULTS = {
  host: '127.0.0.1',
  ports: { mqtt: 0, mqtts: 'off', mqttWs: 0 },
  tls: null,
  maxPacketBytes: 256 * 1024,
  maxConnections: 1000,
  maxConnectionsPerTenant: 1000,
  maxConnectionsPerAccount: 1000,
  maxInFlight: 10_000,
  maxInFlightPerClient: 1000,
  maxTopicLevels: 32,
  maxOfflineMessages: 100,
  maxRatePerDevice: 100_000,
  socketBufferBytes: 64 * 1024,
  drainTimeoutMs: 1000,
  connectTimeoutMs: 2000,
} as const satisfies Omit<BrokerOptions, 'databasePath'>

export async function startBroker(
  options: Partial<BrokerOptions> = {},
  clock: Clock = systemClock,
): Promise<TestBroker> {
  const test = new TestBroker(options, clock)
  await test.start()
  return test
}

/** A broker with a real registry and an intake that makes messages durable when the test says so. */
export class TestBroker {
  readonly log: LogLine[] = []
  readonly registry: Registry
  readonly #options: Partial<BrokerOptions>
  readonly #clock: Clock
  readonly #dir = temporaryDir('broker')
  readonly #logger = createTestLog(this.log)
  readonly #clients: { end(): void }[] = []
  #intake = new TestIntake()
  #metrics = createMetrics()
  #broker: Broker | null = null
  #ports: Ports = {}

  constructor(options: Partial<BrokerOptions>, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.registry = registryIn(this.#dir.path, this.#logger)
  }

  get broker(): Broker {
    if (!this.#broker) throw new Error('the broker is not started')
    return this.#broker
  }

  get intake(): TestIntake {
    return this.#intake
  }

  get ports(): { mqtt: number; mqttWs: number; mqtts: number } {
    return { mqtt: 0, mqttWs: 0, mqtts: 0, ...this.#ports }
  }

  async start(): Promise<void> {
    const { registry } = this
    this.#broker = await createBroker(
      {
        intake: this.#intake,
        registry,
        directory: createDirectory(registry),
        metrics: this.#metrics,
        clock: this.#clock,
        log: this.#logger,
      },
      { ...DEFAULTS, databasePath: join(this.#dir.path, 'broker.db'), ...this.#options },
    )
    this.#ports = await this.#broker.listen()
  }

  /** Closes the broker and opens a new one on the same folder. */
  async restart(): Promise<void> {
    await this.broker.close()
    this.#intake = new TestIntake()
    this.#metrics = createMetrics()
    await this.start()
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.end()
    this.#intake.commit()
    await this.broker.close()
    this.registry.close()
    this.#dir.remove()
  }

  /** Registers a device (and its tenant) and makes credentials. */
  device(id: string, more: Partial<NewDevice> = {}): TestAccount {
    registerDevice(this.registry, id, more)
    return this.registry.credentials.create(id)
  }

  application(tenant: string): TestAccount {
    registerTenant(this.registry, tenant)
    const { key } = this.registry.keys.create({ role: 'application', tenant, name: 'app' })
    return { username: tenant, password: key }
  }

  async mqtt(account: TestAccount, more: IClientOptions = {}): Promise<MqttClient> {
    const client = await connectAsync(`mqtt://127.0.0.1:${this.ports.mqtt}`, {
      ...account,
      reconnectPeriod: 0,
      ...more,
    })
    client.on('error', () => client.end(true))
    this.#clients.push({ end: () => client.end(true) })
    return client
  }

  async raw(): Promise<RawClient> {
    const client = await RawClient.connect(this.ports.mqtt)
    this.#clients.push({ end: () => client.socket.destroy() })
    return client
  }

  /** A raw client that has signed in. */
  async signedIn(
    { username, password }: TestAccount,
    connect: Partial<IConnectPacket> = {},
  ): Promise<RawClient> {
    const client = await this.raw()
    client.send(connectPacket({ username, password: Buffer.from(password), ...connect }))
    await client.next('connack')
    return client
  }

  metric(name: string): Promise<number> {
    return metricValue(this.#metrics, name)
  }

  /** Whether a line of the log holds the text. */
  logged(text: string): boolean {
    return this.log.some((line) => line.text.includes(text))
  }
}
