import type { EventEmitter } from 'node:events'
import type { Client } from 'aedes'
import type { Qos } from '#lib/telemetry/message.ts'
import type { Deliver } from './emitter.ts'

/** A will as Aedes keeps it between CONNECT and the end of the connection. */
export interface Will {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
}

/**
 * What we use of an Aedes client beyond its published interface, all in one place: Aedes is pinned to
 * one exact version, and `takeOver` fails at the first connection if a field is missing.
 */
export interface AedesClient extends Client {
  _parser: EventEmitter & { parse(bytes: Uint8Array): number }
  /** Packets whose handlers have not finished yet. */
  _parsingBatch: number
  /** Called by each handler when it has finished with its packet. */
  _nextBatch: (error?: Error | null) => void
  _will: Will | null
  _keepaliveTimer: NodeJS.Timeout | null
  /** Write a message to the client: with QoS 0, and with the QoS that it has. */
  deliver0: Deliver
  deliverQoS: Deliver
  readonly subscriptions: Readonly<Record<string, { readonly qos: Qos }>>
}

export interface TakeOverOptions {
  /** Sees each parsed packet before Aedes does, and may change it. */
  readonly onPacket: (packet: ParsedPacket) => void
  /** Called when Aedes has finished with a packet. */
  readonly onHandled: () => void
  /** Gets each message for the client, once for every filter that matches, in place of `send`. */
  readonly onMessage: Send
}

/** A message on its way to one client: a copy that may be changed. Its topic is scoped. */
export interface ClientPacket {
  readonly topic: string
  readonly retain: boolean
  readonly brokerCounter: number
  qos: Qos
  messageId: number | undefined
}

export type Send = (packet: ClientPacket, done: () => void) => void

/** A packet as Aedes parses it; only the fields with topics are ours. */
export interface ParsedPacket {
  readonly cmd: string
  readonly subscriptions?: { topic: string }[]
  readonly unsubscriptions?: string[]
}

/**
 * Makes an Aedes client take whole packets through its parser instead of reading its socket. Its own
 * loop reads and parses everything there is, however large or many.
 */
export function takeOver(
  client: Client,
  options: TakeOverOptions,
): { readonly client: AedesClient; readonly send: Send } {
  const { onPacket, onHandled, onMessage } = options
  requireFields(client)
  const { _parser: parser, conn } = client
  conn.removeAllListeners('readable')
  client._parsingBatch = 0
  client._nextBatch = (error) => {
    client._parsingBatch -= 1
    if (error) client.emit('error', error)
    else onHandled()
  }
  const handlers = parser.listeners('packet')
  parser.removeAllListeners('packet')
  parser.on('packet', (packet: ParsedPacket) => {
    onPacket(packet)
    for (const handle of handlers) Reflect.apply(handle, parser, [packet])
  })
  const { deliver0, deliverQoS } = client
  const send: Send = (packet, done) => (packet.qos === 0 ? deliver0 : deliverQoS)(packet, done)
  // Aedes makes a copy for each filter of a subscriber before it calls this.
  client.deliver0 = (packet, done) => onMessage(packet as ClientPacket, done)
  client.deliverQoS = client.deliver0
  return { client, send }
}

const FIELDS = [
  '_parser',
  '_parsingBatch',
  '_nextBatch',
  '_will',
  '_keepaliveTimer',
  'deliver0',
  'deliverQoS',
]

function requireFields(client: Client): asserts client is AedesClient {
  const missing = [...FIELDS, 'subscriptions'].filter((field) => !(field in client))
  if (missing.length === 0) return
  throw new Error(
    `this version of Aedes has no ${missing.join(', ')} on a client; see its change log`,
  )
}
