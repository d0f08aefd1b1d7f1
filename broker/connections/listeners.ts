import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { WebSocketServer, createWebSocketStream } from 'ws'
import type { Log } from '#lib/runtime/log.ts'
import { listenFailed } from '#lib/runtime/network/listen-failed.ts'
import type { BrokerOptions } from '../options.ts'
import type { ListenerName, NewConnection } from './connection.ts'
import { readTls } from './tls-files.ts'

export type Ports = { mqtt?: number; mqtts?: number; mqttWs?: number }

export type ListenerOptions = Pick<
  BrokerOptions,
  'host' | 'ports' | 'tls' | 'maxConnections' | 'maxPacketBytes' | 'socketBufferBytes'
>

const SETTING_OF = {
  mqtt: 'PADBORG_MQTT_PORT',
  mqtts: 'PADBORG_MQTTS_PORT',
  mqttWs: 'PADBORG_MQTT_WS_PORT',
} as const

/** Sockets beyond the connections: they get CONNACK 3 instead of silence. */
const MORE_SOCKETS = 1000
const BACKLOG = 4096
/** A WebSocket message may hold many packets; the packets have their own limit. */
const WS_MESSAGE_BYTES = 1024 * 1024

/** The TCP, TLS and WebSocket listeners of the broker. */
export class Listeners {
  readonly #options: ListenerOptions
  readonly #log: Log
  readonly #onConnection: (connection: NewConnection) => void
  readonly #servers: (Server | HttpServer)[] = []

  constructor(
    options: ListenerOptions,
    log: Log,
    onConnection: (connection: NewConnection) => void,
  ) {
    this.#options = options
    this.#log = log
    this.#onConnection = onConnection
  }

  /** The real ports. Throws LISTEN_FAILED or TLS_INVALID; then nothing listens. */
  async listen(): Promise<Ports> {
    try {
      const ports: Ports = {}
      for (const name of ['mqtt', 'mqtts', 'mqttWs'] as const) {
        const port = this.#options.ports[name]
        if (port !== 'off') ports[name] = await this.#open(name, this.#create(name), port)
      }
      return ports
    } catch (error) {
      this.stop()
      throw error
    }
  }

  /** Accepts no new connection; open ones stay. */
  stop(): void {
    for (const server of this.#servers.splice(0)) server.close()
  }

  #create(name: ListenerName): Server | HttpServer {
    const options = socketOptions(this.#options)
    if (name === 'mqttWs') return this.#createWebSocketServer()
    const accept = (socket: Socket) => {
      this.#onConnection({ stream: socket, socket, listener: name })
    }
    if (name === 'mqtt') return createServer(options, accept)
    const server = createTlsServer({ ...options, ...readTls(this.#options.tls) }, accept)
    server.on('tlsClientError', (error) =>
      this.#log.debug({ err: error }, 'a TLS handshake failed'),
    )
    return server
  }

  #createWebSocketServer(): HttpServer {
    const { maxPacketBytes, socketBufferBytes: highWaterMark } = this.#options
    const server = createHttpServer(socketOptions(this.#options), (_request, response) => {
      response.writeHead(426, { 'content-type': 'text/plain', connection: 'close' })
      response.end('This port speaks MQTT over WebSocket: connect with the subprotocol mqtt.\n')
    })
    const sockets = new WebSocketServer({
      server,
      maxPayload: Math.max(WS_MESSAGE_BYTES, maxPacketBytes * 2),
      perMessageDeflate: false,
      handleProtocols: (offered) => ['mqtt', 'mqttv3.1'].find((name) => offered.has(name)) ?? false,
    })
    sockets.on('connection', (webSocket, request) => {
      const stream = createWebSocketStream(webSocket, { highWaterMark })
      this.#onConnection({ stream, socket: request.socket, listener: 'mqttWs' })
    })
    // It repeats the errors of its server, which `#open` reports.
    sockets.on('error', () => undefined)
    return server
  }

  #open(name: ListenerName, server: Server | HttpServer, port: number): Promise<number> {
    const { host, maxConnections } = this.#options
    this.#servers.push(server)
    server.maxConnections = maxConnections + MORE_SOCKETS
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(listenFailed(SETTING_OF[name], { host, port }, error)))
      server.listen({ host, port, backlog: BACKLOG }, () => {
        server.removeAllListeners('error')
        server.on('error', (error) =>
          this.#log.error({ err: error, listener: name }, 'a listener failed'),
        )
        const address = server.address()
        resolve(typeof address === 'object' && address ? address.port : port)
      })
    })
  }
}

function socketOptions({ socketBufferBytes }: ListenerOptions) {
  return { noDelay: true, allowHalfOpen: true, highWaterMark: socketBufferBytes }
}
