import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { isoOf } from '#lib/runtime/clock.ts'
import { ACCESS, type Caller, ROLES } from '#lib/access/policy.ts'
import { nothing, ok } from '../replies/response.ts'
import type { Api } from '../api.ts'
import { sendProblem, type Add } from '../endpoint.ts'
import { keyOf } from '../auth/identify.ts'
import { PUBLIC } from '../plugins/admission.ts'
import type { RequestLimiter } from '../plugins/rate-limits.ts'
import { Problem } from '../replies/problem.ts'
import { timeSchema } from '../replies/schemas.ts'
import {
  ENDED_ATTRIBUTES,
  SESSION_COOKIE,
  isForeignOrigin,
  sessionAttributes,
} from '../auth/session-cookie.ts'

const signInSchema = z.strictObject({ key: z.string().min(1).max(500) })

const sessionSchema = z.object({
  role: z.enum(ROLES),
  tenant: z.string().nullable(),
  name: z.string().describe('Name of the key.'),
  permissions: z.array(z.string()),
  endsAt: timeSchema.nullable().describe('Null for a bearer key.'),
})

/** Signing in with a key for a cookie, seeing who one is, signing out. */
export function addSession(
  app: FastifyInstance,
  add: Add,
  api: Api,
  limiter: RequestLimiter,
): void {
  app.post(
    '/api/v1/session',
    {
      config: { permission: PUBLIC },
      schema: {
        tags: ['session'],
        summary: 'Sign in: sets a session cookie',
        body: signInSchema,
        response: { 201: sessionSchema },
      },
    },
    async (request, reply) => signIn(api, limiter, request, reply),
  )
  add({
    method: 'GET',
    url: '/session',
    permission: 'session:read',
    tag: 'session',
    summary: 'Who the caller is and what he may do',
    response: sessionSchema,
    handle({ caller }) {
      const session = caller.sessionId === null ? null : api.sessions.get(caller.sessionId)
      return ok(shown(caller.key, session?.endsAtNs ?? null))
    },
  })
  add({
    method: 'DELETE',
    url: '/session',
    permission: 'session:read',
    tag: 'session',
    summary: 'Sign out',
    status: 204,
    handle({ caller }) {
      if (caller.sessionId !== null) api.sessions.end(caller.sessionId)
      return nothing({ 'set-cookie': app.serializeCookie(SESSION_COOKIE, '', ENDED_ATTRIBUTES) })
    },
  })
}

async function signIn(
  api: Api,
  limiter: RequestLimiter,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  // A foreign page could sign a visitor in under its own key and watch what he does.
  if (isForeignOrigin(request.headers)) {
    const detail = 'expected a request of a page of this platform, got one of another origin'
    return sendProblem(reply, new Problem(403, `${detail}; sign in there`))
  }
  const { key: text } = signInSchema.parse(request.body)
  const key = keyOf(api, text)
  if (!key) {
    const detail = 'expected a key of this platform, got one it does not know; check it'
    const headers = { 'www-authenticate': 'Bearer realm="padborg"' }
    const wrong = new Problem(401, detail, { path: 'key', headers })
    return sendProblem(reply, (await limiter.ofWrongKey(request)) ?? wrong)
  }
  const { id, endsAtNs } = api.sessions.begin(key)
  const maxAgeS = api.options.sessionHours * 3600
  return reply
    .code(201)
    .setCookie(SESSION_COOKIE, id, sessionAttributes(maxAgeS, request.headers))
    .send(shown(key, endsAtNs))
}

function shown({ role, tenant, name }: Caller['key'], endsAtNs: bigint | null) {
  const { permissions } = ACCESS[role]
  return { role, tenant, name, permissions, endsAt: endsAtNs === null ? null : isoOf(endsAtNs) }
}
