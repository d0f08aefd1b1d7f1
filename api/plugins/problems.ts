import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isPlatformError } from '#lib/runtime/errors.ts'
import type { Api } from '../api.ts'
import { CLIENT_CLOSED, isClientGone } from '../replies/client-gone.ts'
import { sendProblem } from '../endpoint.ts'
import { PROBLEM_TYPE, Problem, problemOf } from '../replies/problem.ts'
import { RefusedRequest } from '../replies/request-validation.ts'

/** Turns each thrown error into a problem document, and logs once what the caller cannot fix. */
export function addProblems(app: FastifyInstance, api: Api): void {
  app.setErrorHandler((error, request, reply) => {
    // The client has disconnected, and a cancelled query is not a failure.
    if (isClientGone(reply.raw)) return reply.code(CLIENT_CLOSED).send()
    return sendProblem(reply, problemFor(api, error, request))
  })
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) =>
    sendProblem(
      reply,
      new Problem(
        404,
        `expected an address of this API, got ${request.method} ` +
          `${request.url.split('?')[0]?.slice(0, 200)}; /docs lists them`,
      ),
    ),
  )
}

function problemFor({ log, options }: Api, error: unknown, request: FastifyRequest): Problem {
  if (error instanceof RefusedRequest) return error.problem
  const ours = problemOf(error)
  if (ours) {
    if (ours.status >= 500) log.warn({ err: error, route: routeOf(request) }, 'a query failed')
    return ours
  }
  const refused = isPlatformError(error) ? null : refusalOf(error, options.bodyBytes)
  if (refused) return refused
  log.error({ err: error, request: request.id, route: routeOf(request) }, 'a request failed')
  const detail = `the platform failed at this; its log says more under request ${request.id}`
  return new Problem(500, detail)
}

/** Refusals of Fastify, reworded: its own texts name parts of the program. */
function refusalOf(error: unknown, bodyBytes: number): Problem | null {
  if (!(error instanceof Error) || !('statusCode' in error)) return null
  const { statusCode } = error
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) return null
  if (statusCode === 413) {
    return new Problem(413, `expected a body of at most ${bodyBytes} bytes, got more; send less`)
  }
  if (statusCode === 415) {
    return new Problem(415, 'expected Content-Type application/json, got another; send JSON')
  }
  return new Problem(statusCode, `expected a well-formed request with JSON, got: ${error.message}`)
}

function routeOf({ routeOptions }: FastifyRequest): string {
  return routeOptions.url ?? 'none'
}

/** For an address that cannot be decoded: it never reaches a route or its handlers. */
export function rejectBadAddress(
  _error: unknown,
  _request: FastifyRequest,
  reply: FastifyReply,
): void {
  const detail = 'expected an address with valid percent-encoding, got another; correct it'
  void sendProblem(reply, new Problem(400, detail))
}

/** For bytes that are not a valid request: headers too long, not HTTP, sent too slowly. */
export function rejectBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, detail] = BROKEN[error.code ?? ''] ?? NOT_HTTP
  const problem = new Problem(status, detail).document()
  const body = JSON.stringify(problem)
  const head = [
    `HTTP/1.1 ${status} ${String(problem['title'])}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

const NOT_HTTP = [400, 'expected an HTTP/1.1 request, got something else'] as const

const BROKEN: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'expected a shorter address and fewer headers; send less'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'expected the request within its time limit; send it faster'],
}
