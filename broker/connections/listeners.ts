import { readFileSync } from 'node:fs'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, createServer as createTlsServer } from 'node:tls'
import { WebSocketServer, createWebSocketStream } from 'ws'
import { PlatformError, messageOf, systemCodeOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { ListenerName, NewConnection } from './connection.ts'

export type Port = number | 'off'
export type Ports = { mqtt?: number; mqtts?: number; mqttWs?: number }

export interface TlsFiles {
  readonly cert: string
  readonly key: string
  readonly clientCa: string | null
}

export interface ListenerOptions {
  readonly host: string
  readonly ports: Readonly<Record<ListenerName, Port>>
  /** PEM files; needed by the port mqtts. */
  readonly tls: TlsFiles | null
  readonly maxConnections: number
  readonly maxPacketBytes: number
  readonly socketBufferBytes: number
}

/** The sockets that clients come to. */
export interface Listeners {
  /** Throws LISTEN_FAILED or TLS_INVALID; then nothing listens. */
  listen(): Promise<Ports>
  /** Takes no new connection; open ones stay. */
  stop(): void
}

const SETTING_OF = {
  mqtt: 'PADBORG_MQTT_PORT',
  mqtts: 'PADBORG_MQTTS_PORT',
  mqttWs: 'PADBORG_MQTT_WS_PORT',
} as const

/** Sockets beyond the connections: they hear CONNACK 3 instead of silence. */
const MORE_SOCKETS = 1000
const BACKLOG = 4096
/** A WebSocket message may hold many packets; the packets have their own limit. */
const WS_MESSAGE_BYTES = 1024 * 1024

export function createListeners(
  options: ListenerOptions,
  log: Log,
  onConnection: (connection: NewConnection) => void,
): Listeners {
  const { host, ports, socketBufferBytes } = options
  const servers: (Server | HttpServer)[] = []
  const socketOptions = { noDelay: true, allowHalfOpen: true, highWaterMark: socketBufferBytes }

  return {
    async listen() {
      try {
        const found: Ports = {}
        for (const name of ['mqtt', 'mqtts', 'mqttWs'] as const) {
          const port = ports[name]
          if (port !== 'off') found[name] = await open(name, create(name), port)
        }
        return found
      } catch (error) {
        stop()
        throw error
      }
    },
    stop,
  }

  function stop(): void {
    for (const server of servers.splice(0)) server.close()
  }

  function create(name: ListenerName): Server | HttpServer {
    if (name === 'mqttWs') return createWebSocketListener()
    const accept = (socket: Socket) => {
      onConnection({ stream: socket, socket, listener: name })
    }
    if (name === 'mqtt') return createServer(socketOptions, accept)
    const server = createTlsServer({ ...socketOptions, ...readTls(options.tls) }, accept)
    server.on('tlsClientError', (error) => log.debug({ err: error }, 'a TLS handshake failed'))
    return server
  }

  function createWebSocketListener(): HttpServer {
    const server = createHttpServer(socketOptions, (_request, response) => {
      response.writeHead(426, { 'content-type': 'text/plain', connection: 'close' })
      response.end('MQTT over WebSocket is spoken here: connect with the subprotocol mqtt.\n')
    })
    const maxPayload = Math.max(WS_MESSAGE_BYTES, options.maxPacketBytes * 2)
    const sockets = new WebSocketServer({
      server,
      maxPayload,
      perMessageDeflate: false,
      handleProtocols: (offered) => ['mqtt', 'mqttv3.1'].find((name) => offered.has(name)) ?? false,
    })
    sockets.on('connection', (webSocket, request) => {
      const stream = createWebSocketStream(webSocket, { highWaterMark: socketBufferBytes })
      onConnection({ stream, socket: request.socket, listener: 'mqttWs' })
    })
    // It repeats the errors of its server, which `open` reports.
    sockets.on('error', () => undefined)
    return server
  }

  function open(name: ListenerName, server: Server | HttpServer, port: number): Promise<number> {
    servers.push(server)
    server.maxConnections = options.maxConnections + MORE_SOCKETS
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(listenError(SETTING_OF[name], host, port, error)))
      server.listen({ host, port, backlog: BACKLOG }, () => {
        server.removeAllListeners('error')
        server.on('error', (error) =>
          log.error({ err: error, listener: name }, 'a listener failed'),
        )
        const address = server.address()
        resolve(typeof address === 'object' && address ? address.port : port)
      })
    })
  }
}

function listenError(setting: string, host: string, port: number, error: Error): PlatformError {
  const advice: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program has this port; stop it, or choose another port (0: any free one)',
    EACCES: 'this user may not open this port; choose one above 1023',
    EADDRNOTAVAIL: 'this machine has no such address; set PADBORG_HOST to one it has, or 0.0.0.0',
    ENOTFOUND: 'this host name is not known; set PADBORG_HOST to an address of this machine',
  }
  const code = systemCodeOf(error)
  const todo = advice[code] ?? 'choose another port or address'
  return new PlatformError(
    'LISTEN_FAILED',
    `${setting}=${port}: cannot listen on ${host}:${port} (${code || messageOf(error)}); ${todo}`,
    { cause: error },
  )
}

interface TlsMaterial {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca?: Buffer | undefined
  readonly requestCert: boolean
  readonly rejectUnauthorized: false
}

/** A client without a certificate may still sign in with a password, so none is turned away here. */
function readTls(files: TlsFiles | null): TlsMaterial {
  if (!files) {
    throw new PlatformError(
      'TLS_INVALID',
      'PADBORG_MQTTS_PORT is set: expected PADBORG_TLS_CERT and PADBORG_TLS_KEY; give both PEM files',
    )
  }
  const { cert, key, clientCa } = files
  const material = {
    cert: readPem('PADBORG_TLS_CERT', cert),
    key: readPem('PADBORG_TLS_KEY', key),
    ...(clientCa === null ? {} : { ca: readPem('PADBORG_TLS_CLIENT_CA', clientCa) }),
    requestCert: clientCa !== null,
    rejectUnauthorized: false,
  } as const
  try {
    createSecureContext(material)
  } catch (error) {
    throw new PlatformError(
      'TLS_INVALID',
      `PADBORG_TLS_CERT=${cert}, PADBORG_TLS_KEY=${key}, PADBORG_TLS_CLIENT_CA=${clientCa ?? ''}: ` +
        `expected PEM files that belong together, got "${messageOf(error)}"; check each file`,
      { cause: error },
    )
  }
  return material
}

function readPem(setting: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new PlatformError(
      'TLS_INVALID',
      `${setting}=${path}: expected a readable PEM file, got "${messageOf(error)}"; check path and rights`,
      { cause: error },
    )
  }
}
