import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Account } from '#lib/registry/registry.ts'
import type { Qos } from '#lib/telemetry/message.ts'
import type { Route } from '#lib/registry/index/directory.ts'
import type { ClockExchange } from '../replies/clock-requests.ts'
import type { AedesClient } from '../aedes/aedes-client.ts'

export type ListenerName = 'mqtt' | 'mqtts' | 'mqttWs'

/** Why a connection is not read from at the moment. */
export type Blocked = 'connecting' | 'held' | 'in_flight' | 'rate' | 'busy' | 'drain' | 'closing'

/** Bytes of one read from a socket, with the time of that read. */
export interface ReadChunk {
  readonly bytes: Buffer
  readonly atNs: bigint
  readonly monoNs: bigint
  /** The bytes are those of the next read as soon as this one is through: who keeps them copies. */
  readonly borrowed: boolean
}

/** What is known of the topic that a connection published to last. */
export interface TopicEntry {
  readonly bytes: Buffer
  readonly topic: string
  /** The topic within its tenant, as Aedes knows it. */
  readonly scoped: string
  readonly route: Route | null
  readonly routesEpoch: number
  /** Whether anybody listens, as of `interestEpoch`. */
  interested: boolean
  interestEpoch: number
}

/** A QoS 2 message on its way: null once it is durable and waits for its PUBREL. */
export type ReceivedIds = Map<number, { connection: Connection } | null>

/** What a connection was granted for its topics, as of an epoch. */
export interface GrantedTopics {
  readonly epoch: number
  readonly topics: Map<string, Qos | null>
}

/** Everything known of one MQTT connection. The parts of the broker work on it. */
export interface Connection {
  /** What bytes are read from and written to: the socket, or the stream of a WebSocket. */
  readonly stream: Duplex
  /** The TCP or TLS socket below. */
  readonly socket: Socket
  readonly listener: ListenerName
  /** Remote address and port, for log lines. */
  readonly address: string
  client: AedesClient
  account: Account | null
  /** What stands before the topics of this tenant inside Aedes. */
  prefix: string
  emptyClientId: boolean
  /** Why it ends has been told: once is enough. */
  explained: boolean
  stage: 'new' | 'connecting' | 'ready' | 'closed'
  blocked: Blocked | null
  /** Read but not looked at yet. */
  waiting: ReadChunk[]
  waitingBytes: number
  /** The beginning of a packet whose end has not arrived. */
  partial: Buffer | null
  partialBytes: number
  /** The peer has sent its last byte. */
  ended: boolean
  inFlight: number
  tokens: number
  tokensAtNs: bigint
  acks: number[]
  lastTopic: TopicEntry | null
  receivedIds: ReceivedIds | null
  exchanges: Map<string, ClockExchange> | null
  /** When one of the credentials that were valid at sign-in ends; Infinity: never. */
  expiresAtMs: number
  /** Bytes that Aedes will write in this turn of the event loop. */
  scheduledBytes: number
  slowTimer: NodeJS.Timeout | null
  granted: GrantedTopics | null
  /** Filters it has subscribed to; -1: to be counted. */
  filters: number
}

export type NewConnection = Pick<Connection, 'stream' | 'socket' | 'listener'>

export function createConnection(given: NewConnection, client: AedesClient): Connection {
  const { remoteAddress, remotePort } = given.socket
  return {
    stream: given.stream,
    socket: given.socket,
    listener: given.listener,
    address: `${remoteAddress ?? 'closed'}:${remotePort ?? 0}`,
    client,
    account: null,
    prefix: '',
    emptyClientId: false,
    explained: false,
    stage: 'new',
    blocked: null,
    waiting: [],
    waitingBytes: 0,
    partial: null,
    partialBytes: 0,
    ended: false,
    inFlight: 0,
    tokens: 0,
    tokensAtNs: 0n,
    acks: [],
    lastTopic: null,
    receivedIds: null,
    exchanges: null,
    expiresAtMs: Infinity,
    scheduledBytes: 0,
    slowTimer: null,
    granted: null,
    filters: 0,
  }
}

/** What a log line says about a connection; never a password. */
export function whoIs({ account, address, listener }: Connection) {
  return { account: account?.id ?? null, tenant: account?.tenant ?? null, address, listener }
}
