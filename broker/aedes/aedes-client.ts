import type { EventEmitter } from 'node:events'
import type { Client } from 'aedes'
import type { Qos } from '#lib/telemetry/message.ts'

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
  readonly subscriptions: Readonly<Record<string, { readonly qos: Qos }>>
}

export interface TakeOverOptions {
  /** Sees each parsed packet before Aedes does, and may change it. */
  readonly onPacket: (packet: ParsedPacket) => void
  /** Called when Aedes has finished with a packet. */
  readonly onHandled: () => void
}

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
export function takeOver(client: Client, { onPacket, onHandled }: TakeOverOptions): AedesClient {
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
  return client
}

const FIELDS = ['_parser', '_parsingBatch', '_nextBatch', '_will', '_keepaliveTimer']

function requireFields(client: Client): asserts client is AedesClient {
  const missing = [...FIELDS, 'subscriptions'].filter((field) => !(field in client))
  if (missing.length === 0) return
  throw new Error(
    `this version of Aedes has no ${missing.join(', ')} on a client; see its change log`,
  )
}
