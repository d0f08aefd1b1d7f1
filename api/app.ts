import cookie from '@fastify/cookie'
import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify'
import { MAX_JSON_LEVELS, nestsTooDeep } from '#lib/telemetry/json-depth.ts'
import type { Caller } from '#lib/access/policy.ts'
import type { Api, AppDeps, AppOptions } from './api.ts'
import { createCursors } from './queries/cursor.ts'
import { createAdd, type Add } from './endpoint.ts'
import { QUERY_NAMES } from '#lib/queries/catalogue.ts'
import { addCompression } from './plugins/compression.ts'
import { addCounting } from './plugins/counting.ts'
import { addDocuments } from './plugins/documents.ts'
import { addAdmission } from './plugins/admission.ts'
import { addHeaders } from './plugins/headers.ts'
import { RATE_LIMITS, createRequestLimiter } from './plugins/rate-limits.ts'
import { addProblems, rejectBadAddress, rejectBrokenRequest } from './plugins/problems.ts'
import { createPseudonyms } from './auth/pseudonyms.ts'
import { validatorOf } from './replies/request-validation.ts'
import { addQuery } from './queries/route.ts'
import { TURN_LIMITS, createTurns } from './queries/turns.ts'
import { addBackup } from './routes/backup.ts'
import { addCredentials } from './routes/credentials.ts'
import { addDevices } from './routes/devices.ts'
import { addHealth } from './routes/health.ts'
import { addKeys } from './routes/keys.ts'
import { addKinds } from './routes/kinds.ts'
import { addLive } from './routes/live.ts'
import { addMetrics } from './routes/metrics.ts'
import { addPortal } from './plugins/portal.ts'
import { addQueries } from './routes/queries.ts'
import { addReplay } from './routes/replay.ts'
import { addSession } from './routes/session.ts'
import { addSites } from './routes/sites.ts'
import { addTenants } from './routes/tenants.ts'
import { createSessions } from './auth/sessions.ts'

/** Routes without a key, outside `/api/v1`. */
const PUBLIC: readonly ((app: FastifyInstance, api: Api) => void)[] = [addHealth, addMetrics]

/** Registry nouns and commands: all that are not queries. A new one is a file in `routes/` and a line here. */
const ENDPOINTS: readonly ((add: Add, api: Api) => void)[] = [
  addTenants,
  addSites,
  addDevices,
  addCredentials,
  addKeys,
  addKinds,
  addQueries,
  addReplay,
  addBackup,
]

const LIMITS = {
  bodyBytes: 1024 * 1024,
  rateLimits: RATE_LIMITS,
  turnLimits: TURN_LIMITS,
  sessionHours: 12,
  maxSessions: 1000,
  maxSessionsPerKey: 50,
  /** Connections at once; further ones are closed as soon as they come. */
  maxConnections: 5000,
  /** How long the headers of a request may take, and how often that is looked at. */
  headersTimeoutMs: 10_000,
  timeoutCheckMs: 2000,
} as const
/** Request line and headers together; a longer one is refused with 431. */
const MAX_HEADER_BYTES = 16 * 1024
/** A full id has up to 127 characters; Fastify's own limit is 100. */
const MAX_PARAMETER_LENGTH = 200
/** RFC 7396. */
const MERGE_PATCH_TYPE = 'application/merge-patch+json'
/** How long a client may take to send one request. */
const REQUEST_TIMEOUT_MS = 30_000

/** Puts the API together. The caller listens, injects and closes. */
export async function createApp(deps: AppDeps, options: AppOptions): Promise<FastifyInstance> {
  const api = createApi(deps, options)
  const app = fastify({
    logger: false,
    trustProxy: false,
    bodyLimit: api.options.bodyBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: api.options.headersTimeoutMs,
      connectionsCheckingInterval: api.options.timeoutCheckMs,
    },
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    clientErrorHandler: rejectBrokenRequest,
    frameworkErrors: rejectBadAddress,
  })
  app.server.maxConnections = api.options.maxConnections
  // A form of another page may send text/plain without a preflight; only JSON is read.
  app.removeContentTypeParser('text/plain')
  addJsonBody(app)
  app.setValidatorCompiler(({ schema }) => validatorOf(schema))
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))

  const callers = new WeakMap<FastifyRequest, Caller>()
  addCounting(app, api)
  await addHeaders(app)
  await addCompression(app)
  await app.register(cookie)
  const limiter = await createRequestLimiter(app, api.options.rateLimits, callers)
  addProblems(app, api)
  addAdmission(app, api, { callers, limiter })
  await addDocuments(app, api)
  await addPortal(app, api)
  for (const add of PUBLIC) add(app, api)
  const add = createAdd(app, api, (request) => callerOf(callers, request))
  addSession(app, add, api, limiter)
  addLive(app, api, (request) => callerOf(callers, request))
  for (const addNoun of ENDPOINTS) addNoun(add, api)
  for (const name of QUERY_NAMES) addQuery(add, api, name)
  await app.ready()
  return app
}

/** Fastify's own parser, after a check of how deep the body nests. */
function addJsonBody(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser<string>(
    ['application/json', MERGE_PATCH_TYPE],
    { parseAs: 'string' },
    (request, body, done) => {
      if (!nestsTooDeep(body)) return parse(request, body, done)
      const error = new Error(`more than ${MAX_JSON_LEVELS} levels`)
      done(Object.assign(error, { statusCode: 400 }), undefined)
    },
  )
}

function createApi(deps: AppDeps, options: AppOptions): Api {
  const all = { ...LIMITS, ...options }
  return {
    ...deps,
    options: all,
    sessions: createSessions(deps, all),
    pseudonyms: createPseudonyms(deps.registry, all.pseudonymSecret),
    cursors: createCursors(all.pseudonymSecret),
    turns: createTurns(all.turnLimits, deps.metrics),
  }
}

function callerOf(callers: WeakMap<FastifyRequest, Caller>, request: FastifyRequest): Caller {
  const caller = callers.get(request)
  if (caller) return caller
  throw new Error('a handler ran for a request that has not been admitted')
}
