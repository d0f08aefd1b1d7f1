import { connect as connectTcp, type Socket } from 'node:net'
import { join } from 'node:path'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import mqttPacket, { type IConnectPacket, type Packet } from 'mqtt-packet'
import { createDirectory } from '#lib/registry/topics/directory.ts'
import { openRegistry } from '#lib/registry/open.ts'
import type { NewDevice, Registry } from '#lib/registry/registry.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import { createMetrics } from '#lib/runtime/metrics.ts'
import type { ClientCertificate, ClockSample, Intake } from '#lib/telemetry/intake.ts'
import type { IncomingMessage } from '#lib/telemetry/message.ts'
import { createBroker, type Broker } from '../../../broker/broker.ts'
import type { BrokerOptions } from '../../../broker/options.ts'
import { temporaryDir } from '../../support/platform.ts'
import { waitFor } from '../../support/wait-for.ts'
import { FORMAT_NAMES } from '../../../ingest/formats/catalogue.ts'

type Done = (error: Error | null) => void

/** An intake that acknowledges when the test says so. */
export interface TestIntake extends Intake {
  readonly accepted: IncomingMessage[]
  readonly samples: { device: string; sample: ClockSample }[]
  readonly commands: string[]
  readonly certificates: { device: string; certificate: ClientCertificate | null }[]
  readonly pending: Done[]
  /** `now`: durable at once. `later`: when `settle` is called. */
  mode: 'now' | 'later'
  /** Makes everything pending durable, in order. */
  settle(error?: Error | null): void
  hold(held: boolean): void
}

export function createTestIntake(): TestIntake {
  const listeners: ((held: boolean) => void)[] = []
  let held = false
  const intake: TestIntake = {
    accepted: [],
    samples: [],
    commands: [],
    certificates: [],
    pending: [],
    mode: 'now',
    accept(message, done) {
      if (held) throw new Error('a message was handed over while the intake is held')
      // The journal copies at once; so does the test, because the broker owns the bytes.
      intake.accepted.push({ ...message, payload: Buffer.from(message.payload) })
      if (intake.mode === 'now') done(null)
      else intake.pending.push(done)
    },
    settle(error = null) {
      for (const done of intake.pending.splice(0)) done(error)
    },
    get held() {
      return held
    },
    hold(value) {
      held = value
      for (const listener of listeners) listener(value)
    },
    onHeldChange: (listener) => listeners.push(listener),
    clockSample: (device, sample) => intake.samples.push({ device, sample }),
    command: (device) => intake.commands.push(device),
    certificate: (device, certificate) => intake.certificates.push({ device, certificate }),
  }
  return intake
}

export interface LogLine {
  readonly level: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly text: string
}

export interface TestBroker {
  readonly broker: Broker
  readonly registry: Registry
  readonly intake: TestIntake
  readonly log: readonly LogLine[]
  readonly ports: { mqtt: number; mqttWs: number; mqtts: number }
  /** Registers a device (and its tenant) and makes credentials. */
  device(id: string, more?: Partial<NewDevice>): TestAccount
  application(tenant: string): TestAccount
  mqtt(account: TestAccount, options?: IClientOptions): Promise<MqttClient>
  raw(): Promise<RawClient>
  /** A raw client that has signed in. */
  signedIn(account: TestAccount, connect?: Partial<IConnectPacket>): Promise<RawClient>
  /** The value of a counter or gauge; labels as Prometheus writes them. */
  metric(name: string): Promise<number>
  /** Closes the broker and opens a new one on the same folder. */
  restart(): Promise<void>
  close(): Promise<void>
}

export interface TestAccount {
  readonly username: string
  readonly password: string
}

export async function startBroker(options: Partial<BrokerOptions> = {}): Promise<TestBroker> {
  const dir = temporaryDir('broker')
  const log: LogLine[] = []
  const writer = (level: string) => (fields: object, text?: string) => {
    if (typeof fields === 'string') log.push({ level, fields: {}, text: fields })
    else log.push({ level, fields: { ...fields }, text: text ?? '' })
  }
  const logger = Object.fromEntries(
    ['trace', 'debug', 'info', 'warn', 'error'].map((level) => [level, writer(level)]),
  ) as unknown as Log
  const registry = openRegistry({
    path: join(dir.path, 'registry.db'),
    clock: systemClock,
    log: logger,
    credentialOverlapHours: 1,
    formats: FORMAT_NAMES,
  })
  const clients: { end(): void }[] = []
  const test = {
    registry,
    log,
    intake: createTestIntake(),
    metrics: createMetrics(),
    ports: { mqtt: 0, mqttWs: 0, mqtts: 0 },
  }

  async function open(): Promise<Broker> {
    const { intake, metrics } = test
    const directory = createDirectory(registry)
    const broker = await createBroker(
      { intake, registry, directory, metrics, clock: systemClock, log: logger },
      { ...DEFAULTS, databasePath: join(dir.path, 'broker.db'), ...options },
    )
    test.ports = { ...test.ports, ...(await broker.listen()) }
    return broker
  }

  async function raw(): Promise<RawClient> {
    const client = await connectRaw(test.ports.mqtt)
    clients.push({ end: () => client.socket.destroy() })
    return client
  }

  let broker = await open()
  return {
    raw,
    get broker() {
      return broker
    },
    get ports() {
      return test.ports
    },
    get intake() {
      return test.intake
    },
    registry,
    log,
    device(id, more = {}) {
      const [tenant = '', short = ''] = id.split('.')
      if (!registry.tenants.get(tenant)) registry.tenants.create({ id: tenant, name: tenant })
      registry.devices.create({ id: short, tenant, kind: 'truck', ...more })
      return registry.credentials.create(id)
    },
    application(tenant) {
      if (!registry.tenants.get(tenant)) registry.tenants.create({ id: tenant, name: tenant })
      const made = registry.keys.create({ role: 'application', tenant, name: 'app' })
      return { username: tenant, password: made.key }
    },
    async mqtt({ username, password }, more = {}) {
      const client = await connectAsync(`mqtt://127.0.0.1:${test.ports.mqtt}`, {
        username,
        password,
        reconnectPeriod: 0,
        ...more,
      })
      client.on('error', () => client.end(true))
      clients.push({ end: () => client.end(true) })
      return client
    },
    async signedIn({ username, password }, connect = {}) {
      const client = await raw()
      client.send({ ...CONNECT, username, password: Buffer.from(password), ...connect })
      await client.next('connack')
      return client
    },
    async metric(name) {
      const { text } = await test.metrics.show()
      const line = text.split('\n').find((one) => one.startsWith(`${name} `))
      return line ? Number(line.slice(name.length)) : 0
    },
    async restart() {
      await broker.close()
      test.intake = createTestIntake()
      test.metrics = createMetrics()
      broker = await open()
    },
    async close() {
      for (const client of clients) client.end()
      test.intake.settle()
      await broker.close()
      registry.close()
      dir.remove()
    },
  }
}

const DEFAULTS = {
  host: '127.0.0.1',
  ports: { mqtt: 0, mqtts: 'off', mqttWs: 0 },
  tls: null,
  maxPacketBytes: 256 * 1024,
  maxConnections: 1000,
  maxInFlight: 10_000,
  maxInFlightPerClient: 1000,
  maxTopicLevels: 32,
  maxOfflineMessages: 100,
  maxRatePerDevice: 100_000,
  socketBufferBytes: 64 * 1024,
  drainTimeoutMs: 1000,
  connectTimeoutMs: 2000,
} as const satisfies Omit<BrokerOptions, 'databasePath'>

const CONNECT = {
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 4,
  clean: true,
  clientId: 'raw',
  keepalive: 0,
} as const

/** A socket that speaks MQTT packet by packet, also wrongly. */
export interface RawClient {
  readonly socket: Socket
  readonly received: Packet[]
  readonly closed: boolean
  send(...packets: Packet[]): void
  bytes(bytes: Uint8Array): void
  /** The next packet of a type; earlier ones of other types stay. */
  next(cmd: string, timeoutMs?: number): Promise<Packet & Record<string, unknown>>
  whenClosed(): Promise<void>
}

async function connectRaw(port: number): Promise<RawClient> {
  const socket = connectTcp({ host: '127.0.0.1', port, noDelay: true })
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  const parser = mqttPacket.parser({ protocolVersion: 4 })
  const received: Packet[] = []
  let closed = false
  parser.on('packet', (packet: Packet) => received.push(packet))
  socket.on('data', (bytes: Buffer) => parser.parse(bytes))
  socket.on('error', () => undefined)
  socket.on('close', () => (closed = true))
  return {
    socket,
    received,
    get closed() {
      return closed
    },
    send(...packets) {
      socket.write(Buffer.concat(packets.map((packet) => mqttPacket.generate(packet))))
    },
    bytes: (bytes) => socket.write(bytes),
    async next(cmd, timeoutMs = 5000) {
      const found = () => received.findIndex((packet) => packet.cmd === cmd)
      await waitFor(() => found() >= 0, { timeoutMs, everyMs: 2, what: `a ${cmd}` })
      const [packet] = received.splice(found(), 1)
      return packet as Packet & Record<string, unknown>
    },
    async whenClosed() {
      await waitFor(() => closed, { timeoutMs: 5000, everyMs: 5, what: 'the end of the socket' })
    },
  }
}

/** A PUBLISH; QoS 1 when it has a message id. */
export function publishPacket(
  topic: string,
  payload: string | Buffer,
  more: { messageId?: number; qos?: 0 | 1 | 2; retain?: boolean; dup?: boolean } = {},
): Packet {
  const { messageId, qos = messageId === undefined ? 0 : 1, retain = false, dup = false } = more
  return {
    cmd: 'publish',
    topic,
    payload,
    qos,
    retain,
    dup,
    ...(messageId === undefined ? {} : { messageId }),
  }
}

export function topicOf(id: string, channel = 'telemetry'): string {
  return `padborg/v1/${id.replace('.', '/')}/${channel}`
}
