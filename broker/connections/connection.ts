import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createUnread, type Unread } from '#lib/mqtt/unread.ts'
import type { Route } from '#lib/registry/topics/directory.ts'
import type { Account } from '#lib/registry/registry.ts'
import type { ClockExchanges } from '#lib/telemetry/device-requests/clock-request.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Qos } from '#lib/telemetry/message.ts'
import type { AedesClient, Send } from '../aedes/aedes-client.ts'

export type ListenerName = 'mqtt' | 'mqtts' | 'mqttWs'

/**
 * Why a connection is not read from at the moment: its sign-in is under way, the journal takes
 * nothing, too much is in flight, it is above its rate, its tenant has had its share of this turn,
 * Aedes is busy with its packets, it does not read its acknowledgements, or the broker is closing.
 */
export type PauseCause =
  | 'connecting'
  | 'journal'
  | 'in_flight'
  | 'rate'
  | 'turn'
  | 'busy'
  | 'drain'
  | 'closing'

/** What is known of the topic that a connection published to last. */
export interface PublishTopic {
  readonly bytes: Buffer
  readonly topic: string
  /** '' where the account may not publish. */
  readonly device: FullId
  /** The topic below its tenant, as Aedes knows it. */
  readonly scoped: string
  readonly route: Route | null
  readonly routesEpoch: number
  /** Whether anybody subscribes to it, as of `interestEpoch`. */
  hasSubscribers: boolean
  interestEpoch: number
}

/** A QoS 2 message that is not durable yet, and the connection that gets its acknowledgement. */
export interface UnfinishedMessage {
  connection: Connection
}

/** By message id; null: durable, and its PUBREL has not come yet. */
export type ReceivedIds = Map<number, UnfinishedMessage | null>

/** The QoS that the subscriptions of a connection grant for topics, as of an epoch. */
export interface GrantedTopics {
  readonly epoch: number
  readonly topics: Map<string, Qos | null>
}

/** Everything known of one MQTT connection. The parts of the broker work on it. */
export interface Connection extends Unread {
  /** What bytes are read from and written to: the socket, or the stream of a WebSocket. */
  readonly stream: Duplex
  /** The TCP or TLS socket below. */
  readonly socket: Socket
  readonly listener: ListenerName
  /** Remote address and port, for log lines. */
  readonly address: string
  client: AedesClient
  /** Writes a message to the client. */
  readonly send: Send
  account: Account | null
  /** The tenant's level, which every topic inside Aedes begins with. */
  prefix: string
  emptyClientId: boolean
  /** Why it ends has been logged: once is enough. */
  endLogged: boolean
  stage: 'new' | 'connecting' | 'ready' | 'closed'
  pausedBy: PauseCause | null
  /** The peer has sent its last byte. */
  ended: boolean
  inFlight: number
  tokens: number
  tokensAtNs: bigint
  /** Acknowledgements of this turn of the event loop: type << 16 | message id. */
  acks: number[]
  lastTopic: PublishTopic | null
  receivedIds: ReceivedIds | null
  exchanges: ClockExchanges | null
  /** When one of the credentials that were valid at sign-in ends; Infinity: never. */
  expiresAtMs: number
  /** Bytes that Aedes will write in this turn of the event loop. */
  scheduledBytes: number
  slowTimer: NodeJS.Timeout | null
  granted: GrantedTopics | null
  /** The number of the message that it was sent last, and the message id where there is no session. */
  lastDelivered: number
  lastMessageId: number
  /** Filters it has subscribed to; -1: to be counted. */
  filters: number
  /** A SUBSCRIBE is under way, or its retained messages are. */
  isSubscribing: boolean
}

export type NewConnection = Pick<Connection, 'stream' | 'socket' | 'listener'>
export type ConnectionClient = Pick<Connection, 'client' | 'send'>

export function createConnection(
  accepted: NewConnection,
  { client, send }: ConnectionClient,
): Connection {
  const { stream, socket, listener } = accepted
  return {
    ...createUnread(),
    stream,
    socket,
    listener,
    address: `${socket.remoteAddress ?? 'closed'}:${socket.remotePort ?? 0}`,
    client,
    send,
    account: null,
    prefix: '',
    emptyClientId: false,
    endLogged: false,
    stage: 'new',
    pausedBy: null,
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
    lastDelivered: 0,
    lastMessageId: 0,
    filters: 0,
    isSubscribing: false,
  }
}

/** The fields of a connection in a log line; never a password. */
export function logFieldsOf({ account, address, listener }: Connection) {
  return { account: account?.id ?? null, tenant: account?.tenant ?? null, address, listener }
}
