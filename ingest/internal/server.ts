import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import { INTERNAL, isBearer } from '#lib/runtime/network/internal-http.ts'
import { listenFailed } from '#lib/runtime/network/listen-failed.ts'
import type { InternalDeps, InternalOptions } from './internal-deps.ts'
import { InternalRequests } from './internal-requests.ts'
import { sendPublic } from './public-status.ts'
import { sendError } from './replies.ts'

/** How long responses may take to end when the intake stops. */
const END_MS = 2000
/** Longer than the pause between two queries of a busy API, so that connections are used again. */
const KEEP_ALIVE_MS = 30_000
const REFUSAL_LOG_NS = 10_000_000_000n

/**
 * The address where api roles of other processes reach this intake, and where anybody may see how it
 * is. Everything that is not about health needs the shared secret.
 */
export class InternalServer {
  readonly #deps: InternalDeps
  readonly #options: InternalOptions
  readonly #requests: InternalRequests
  readonly #underWay = new Set<Promise<void>>()
  #refusedAtNs: bigint | null = null
  #server: Server | null = null

  constructor(deps: InternalDeps, options: InternalOptions) {
    this.#deps = deps
    this.#options = options
    this.#requests = new InternalRequests(deps)
  }

  /** Returns the real port. Throws LISTEN_FAILED or TLS_INVALID. */
  async listen(): Promise<number> {
    const options = this.#options
    const server = createServer(options.tls, (request, response) => {
      const work = this.#handle(request, response).finally(() => this.#underWay.delete(work))
      this.#underWay.add(work)
    })
    server.keepAliveTimeout = KEEP_ALIVE_MS
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenFailed('PADBORG_INGEST_PORT', options, error)))
      server.listen(options.port, options.host, resolve)
    })
    const address = server.address()
    return typeof address === 'object' && address ? address.port : options.port
  }

  /** Nothing new is let in; what is under way has a moment to end. */
  async close(): Promise<void> {
    const server = this.#server
    if (!server) return
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    server.close(() => resolve())
    this.#requests.close()
    server.closeIdleConnections()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((over) => {
      timer = setTimeout(over, END_MS)
    })
    await Promise.race([Promise.allSettled(this.#underWay), late])
    clearTimeout(timer)
    server.closeAllConnections()
    await closed
  }

  /** Never rejects: an error is the response. */
  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { log, metrics } = this.#deps
    const { readyLagMs, secret } = this.#options
    const path = request.url?.split('?')[0] ?? ''
    try {
      if (!path.startsWith(`${INTERNAL}/`)) {
        await sendPublic(path, response, { ...this.#deps, readyLagMs })
      } else if (isBearer(request.headers.authorization, secret)) {
        await this.#requests.handle(path, request, response)
      } else this.#refuse(request, response)
    } catch (error) {
      if (!(error instanceof PlatformError)) {
        log.error({ err: error, path }, 'a request to the internal address failed')
      }
      sendError(response, error)
    }
    metrics.count('padborg_internal_requests_total', 1, { status: String(response.statusCode) })
  }

  #refuse(request: IncomingMessage, response: ServerResponse): void {
    const { log, clock } = this.#deps
    const nowNs = clock.monoNs()
    if (this.#refusedAtNs === null || nowNs - this.#refusedAtNs > REFUSAL_LOG_NS) {
      this.#refusedAtNs = nowNs
      const from = request.socket.remoteAddress
      log.warn({ from }, 'refused at PADBORG_INGEST_PORT: another PADBORG_INGEST_SECRET, or none')
    }
    response.setHeader('connection', 'close')
    const detail = 'expected the PADBORG_INGEST_SECRET of the intake, got another or none'
    sendError(response, new PlatformError('INGEST_REFUSED', detail))
  }
}

function createServer(
  tls: InternalOptions['tls'],
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  if (!tls) return createHttpServer(listener)
  try {
    return createHttpsServer(tls, listener)
  } catch (error) {
    throw new PlatformError(
      'TLS_INVALID',
      `PADBORG_TLS_CERT, PADBORG_TLS_KEY: expected a certificate and its key as PEM, got ` +
        `"${messageOf(error)}"; correct the files`,
      { cause: error },
    )
  }
}
