import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { rolesWith, type Caller, type Permission } from '#lib/access/policy.ts'
import { ListResponse, StreamResponse, type ApiResponse } from './replies/response.ts'
import type { Api } from './api.ts'
import type { Locale } from './replies/csv.ts'
import { untilClientGone } from './replies/client-gone.ts'
import { namesFor, type Names } from './auth/caller-names.ts'
import { formatOf, type Format } from './replies/negotiate.ts'
import { formatParameters } from '#lib/queries/parameters.ts'
import { PROBLEM_TYPE, Problem } from './replies/problem.ts'
import { problemSchema } from './replies/schemas.ts'

/** One request of a caller, validated and permitted. */
export interface Call<Q, P, B> {
  readonly caller: Caller
  readonly names: Names
  readonly query: Q
  readonly params: P
  readonly body: B
  /** Pattern of the route, for cursors. */
  readonly route: string
  readonly headers: FastifyRequest['headers']
  readonly format: Format
  /** Fires when the client disconnects. */
  readonly signal: AbortSignal
}

type Shape = Record<string, z.ZodType>
/** Of an endpoint without parameters. */
type NoShape = Record<string, never>

export interface Endpoint<Q extends Shape, P extends Shape, B extends z.ZodType> {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below `/api/v1`. */
  readonly url: string
  readonly permission: Permission
  readonly tag: string
  readonly summary: string
  readonly query?: Q
  readonly params?: P
  readonly body?: B
  readonly status?: 201 | 204
  /** Schema of the response; a list or series is also available as CSV. */
  readonly response?: z.ZodType
  readonly isList?: boolean
  /** It sends a file when the format is Parquet. */
  readonly hasParquet?: boolean
  /** It reads what may take long: it waits for a turn, shared by tenant and key. */
  readonly isQuery?: boolean
  readonly handle: (
    call: Call<z.output<z.ZodObject<Q>>, z.output<z.ZodObject<P>>, z.output<B>>,
  ) => Promise<ApiResponse | Problem> | ApiResponse | Problem
}

export type Add = <
  Q extends Shape = NoShape,
  P extends Shape = NoShape,
  B extends z.ZodType = z.ZodUndefined,
>(
  endpoint: Endpoint<Q, P, B>,
) => void

const BASE = '/api/v1'

/** Turns endpoints into routes of Fastify: schema, permission, form of the response. */
export function createAdd(
  app: FastifyInstance,
  api: Api,
  callerOf: (request: FastifyRequest) => Caller,
): Add {
  return (endpoint) => {
    const { method, handle, permission, isList = false, hasParquet = false } = endpoint
    const { isQuery = false } = endpoint
    const url = BASE + endpoint.url
    app.route({
      method,
      url,
      config: { permission },
      schema: schemaOf(endpoint),
      async handler(request, reply) {
        const format = isList ? wantedFormat(request, hasParquet) : 'json'
        if (format instanceof Problem) return sendProblem(reply, format)
        const caller = callerOf(request)
        const { headers } = request
        const signal = untilClientGone(reply.raw)
        if (isQuery) {
          const kind = format === 'parquet' ? 'files' : 'queries'
          const refused = await api.turns.enter(kind, caller, { response: reply.raw, signal })
          if (refused) return sendProblem(reply, refused)
        }
        const names = namesFor(caller, api)
        // Checked by the schemas of this very endpoint before the handler runs.
        const given = {
          query: request.query,
          params: request.params,
          body: request.body,
        } as Pick<Parameters<typeof handle>[0], 'query' | 'params' | 'body'>
        const response = await handle({
          ...given,
          caller,
          names,
          route: url,
          headers,
          signal,
          format,
        })
        return response instanceof Problem
          ? sendProblem(reply, response)
          : sendResponse(reply, response, format)
      },
    })
  }
}

type Described = Omit<Endpoint<Shape, Shape, z.ZodType>, 'handle'>

function schemaOf(endpoint: Described) {
  const { query, params, body, response, isList, permission, tag, summary } = endpoint
  const status = endpoint.status ?? 200
  const json = response ?? z.undefined()
  const csv = { schema: z.string().describe('The rows, with a header line (RFC 4180).') }
  const content = { 'application/json': { schema: json }, 'text/csv': csv }
  return {
    tags: [tag],
    summary,
    description: `Roles: ${rolesWith(permission).join(', ')}.`,
    security: [{ key: [] }, { session: [] }],
    querystring: z.strictObject({ ...query, ...(isList ? formatParameters : {}) }),
    ...(params ? { params: z.strictObject(params) } : {}),
    ...(body ? { body } : {}),
    response: {
      [status]: isList ? { description: 'The rows.', content } : json,
      default: {
        description: 'What was expected, what came and what to do.',
        content: { [PROBLEM_TYPE]: { schema: problemSchema } },
      },
    },
  }
}

function wantedFormat({ query, headers }: FastifyRequest, hasParquet: boolean): Format | Problem {
  // `formatParameters` are in the schema of every list.
  const { as } = query as { as?: Format }
  return formatOf(as, headers.accept, { hasParquet })
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .headers({ ...problem.extras.headers })
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problem.document()))
}

function sendResponse(reply: FastifyReply, response: ApiResponse, format: Format): FastifyReply {
  reply.code(response.status).headers({ ...response.headers })
  if (response instanceof StreamResponse) return reply.type(response.type).send(response.stream)
  if (response.body === null) return reply.send()
  if (format === 'json' || !(response instanceof ListResponse)) {
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(response.body))
  }
  const { request } = reply
  // `formatParameters` are in the schema of every list.
  const { locale } = request.query as { locale: Locale }
  if (response.next !== null) reply.header('link', nextLink(request.url, response.next))
  return reply.type('text/csv; charset=utf-8; header=present').send(response.csv(locale))
}

/** CSV has no room for `next`; the address of the next page goes into a header (RFC 8288). */
function nextLink(url: string, cursor: string): string {
  const [path = '', query = ''] = url.split('?', 2)
  const parameters = new URLSearchParams(query)
  parameters.set('cursor', cursor)
  return `<${path}?${parameters.toString()}>; rel="next"`
}
