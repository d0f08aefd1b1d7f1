import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import { listenFailed } from '#lib/runtime/network/listen-failed.ts'
import { INTERNAL, isBearer } from '#lib/runtime/network/internal-http.ts'
import { createInternalAnswers, sendError } from './answers.ts'
import type { InternalDeps, InternalOptions } from './internal-deps.ts'
import { answerPublic } from './public-answers.ts'

/**
 * The address where api roles of other processes reach this intake, and where anybody may ask how it
 * is. Everything that is not about health needs the shared secret.
 */
export interface InternalServer {
  /** The real port. Throws LISTEN_FAILED or TLS_INVALID. */
  listen(): Promise<number>
  /** Nothing new is let in; what is being answered has a moment to end. */
  close(): Promise<void>
}

/** How long answers may take to end when the intake stops. */
const END_MS = 2000
/** Longer than the pause between two questions of a busy API, so that connections are used again. */
const KEEP_ALIVE_MS = 30_000
const REFUSAL_LOG_NS = 10_000_000_000n

export function createInternalServer(deps: InternalDeps, options: InternalOptions): InternalServer {
  const { log, clock, metrics } = deps
  const answers = createInternalAnswers(deps)
  const answering = new Set<Promise<void>>()
  let refusedAtNs: bigint | null = null
  let server: ReturnType<typeof createHttpServer> | null = null

  return { listen, close }

  async function listen(): Promise<number> {
    const made = createServer(options.tls, (request, response) => {
      const work = answer(request, response).finally(() => answering.delete(work))
      answering.add(work)
    })
    made.keepAliveTimeout = KEEP_ALIVE_MS
    server = made
    await new Promise<void>((resolve, reject) => {
      made.once('error', (error) => reject(listenFailed('PADBORG_INGEST_PORT', options, error)))
      made.listen(options.port, options.host, resolve)
    })
    const address = made.address()
    return typeof address === 'object' && address ? address.port : options.port
  }

  async function close(): Promise<void> {
    if (!server) return
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    server.close(() => resolve())
    answers.close()
    server.closeIdleConnections()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((over) => {
      timer = setTimeout(over, END_MS)
    })
    await Promise.race([Promise.allSettled(answering), late])
    clearTimeout(timer)
    server.closeAllConnections()
    await closed
  }

  /** Never rejects: whatever goes wrong is the answer. */
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split('?')[0] ?? ''
    try {
      if (!path.startsWith(`${INTERNAL}/`)) {
        await answerPublic(path, response, { ...deps, readyLagMs: options.readyLagMs })
      } else if (isBearer(request.headers.authorization, options.secret)) {
        await answers.answer(path, request, response)
      } else refuse(request, response)
    } catch (error) {
      if (!(error instanceof PlatformError)) {
        log.error({ err: error, path }, 'the internal address could not answer')
      }
      sendError(response, error)
    }
    metrics.count('padborg_internal_requests_total', 1, { status: String(response.statusCode) })
  }

  function refuse(request: IncomingMessage, response: ServerResponse): void {
    const nowNs = clock.monoNs()
    if (refusedAtNs === null || nowNs - refusedAtNs > REFUSAL_LOG_NS) {
      refusedAtNs = nowNs
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
): ReturnType<typeof createHttpServer> {
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
